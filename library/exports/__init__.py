"""Results and originals as files."""
