"""Checks, answers, filters, pages and judges queries."""
