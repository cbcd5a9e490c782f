"""Compares the image store and the collections with each other, and repairs what can be repaired."""
