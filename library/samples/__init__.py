"""The sample pictures are drawn by the program."""
