"""Defines the command line, built with typer: one module for each group of commands."""
