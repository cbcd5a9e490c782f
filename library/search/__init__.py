"""Searching: queries are checked, answered, filtered, paged and judged here."""
