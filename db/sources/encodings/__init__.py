"""Guesses how text is encoded that does not say so."""
