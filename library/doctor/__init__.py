"""Compares the image store and the collections with each other, and mends what can be mended."""
