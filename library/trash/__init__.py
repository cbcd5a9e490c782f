"""Keeps what was deleted for a while: pictures with their vectors, and dropped collections."""
