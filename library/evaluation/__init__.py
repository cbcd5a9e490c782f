"""Measures how well models find labelled pictures, and what the index costs beside exact search."""
