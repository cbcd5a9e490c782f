"""Trains the bundled models. Nothing that runs imports this room."""
