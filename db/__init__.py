"""Keeps vectors, pictures and small files, and reads pictures from wherever they lie."""
