"""Holds what a library contains: its pictures, the files of its store and its collections."""
