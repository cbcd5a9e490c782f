"""Finds near-duplicates, groups of the same picture, and keeps what people decided about them."""
