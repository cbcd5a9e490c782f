"""Where pictures come from: files, archives, buckets, tables, and watched places."""
