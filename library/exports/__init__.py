"""Exports results and originals as files."""
