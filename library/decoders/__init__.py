"""Decodes pictures for the whole library: in this process, or in processes of their own that may crash."""
