"""Encodes pictures and texts as unit vectors in one space. Knows torch and transformers."""
