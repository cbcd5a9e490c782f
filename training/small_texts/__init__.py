"""Trains the small CLIP's text tower in Korean and Traditional Chinese."""
