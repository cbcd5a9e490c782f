"""Near-duplicates: groups of the same picture, and what people decided about them."""
