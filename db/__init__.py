"""Where things are kept. Knows pymilvus and the disk."""
