"""Reads pictures and queries from tables."""
