"""The bundled small CLIP: weights, model card, training script."""
