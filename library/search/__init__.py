"""Searching: what a query is, how it is answered, filtered, paged and judged."""
