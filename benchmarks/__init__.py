"""Measures the app: each module prints one table of figures, and none is part of the tests."""
