"""Defines the options that several commands share."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
InPlace = Annotated[bool, typer.Option(help="Stores no originals: they are read from where they are.")]
Model = Annotated[str, typer.Option(help="A model by its name or folder, instead of CLIP_MODEL.")]
