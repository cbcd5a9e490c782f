"""The domain: pictures, queries, ingestion. Imports no other room."""
