"""The library room holds the domain: pictures, queries, imports. It imports no other room."""
