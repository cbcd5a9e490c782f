"""The sample pictures, drawn by the program."""
