"""Holds the domain: pictures, queries, imports. This room imports no other."""
