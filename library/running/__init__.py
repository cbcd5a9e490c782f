"""Keeps the running process within bounds, watches it and cleans up after it."""
