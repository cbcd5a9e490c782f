"""What a person sees. Knows gradio."""
