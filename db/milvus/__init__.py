"""The vectors: collections of Milvus Lite or a Milvus server."""
