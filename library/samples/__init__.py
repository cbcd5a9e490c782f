"""Draws the sample pictures by a program."""
