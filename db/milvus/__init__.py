"""Keeps and searches vectors in collections of Milvus Lite or a Milvus server."""
