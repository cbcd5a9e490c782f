"""Holds the text tower by which the small CLIP reads English, Korean and Traditional Chinese."""
