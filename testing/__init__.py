"""Holds what tests, benchmarks and screenshots share: the app as a process, a Milvus server, small models, fakes."""
