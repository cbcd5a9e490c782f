"""Stores originals, thumbnails and records, on disk or in a bucket."""
