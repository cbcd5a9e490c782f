"""Reads pictures from files, archives, buckets, tables, and watched places."""
