"""Adds pictures: the pipeline, its destinations, packs, watched sources and receipts."""
