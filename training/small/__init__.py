"""The training of the bundled small CLIP."""
