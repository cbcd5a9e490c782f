"""Holds the weights and the model card of the bundled small CLIP."""
