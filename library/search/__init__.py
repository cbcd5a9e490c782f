"""Checks queries and answers them: parts, filters, pages, confidence."""
