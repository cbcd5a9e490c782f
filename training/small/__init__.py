"""Trains the bundled small CLIP."""
