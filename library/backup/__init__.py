"""Copies a library into a backup while it is used, and brings it back from one."""
