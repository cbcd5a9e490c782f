"""The bundled small CLIP: weights and model card."""
