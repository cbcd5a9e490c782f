"""Gives each visitor of the public demo pictures of their own beside those that all can see."""
