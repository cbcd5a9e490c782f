"""Shows the library to a person. Knows gradio."""
