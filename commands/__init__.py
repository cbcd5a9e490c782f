"""The command line, over typer."""
