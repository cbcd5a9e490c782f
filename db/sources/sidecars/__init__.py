"""Reads what stands beside pictures: the JSON of Google Takeout, and XMP."""
