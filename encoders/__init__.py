"""Pictures and texts to unit vectors in one space. Knows torch and transformers."""
