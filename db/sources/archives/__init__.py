"""Reads pictures from zip and tar archives."""
