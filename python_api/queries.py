"""Reads what a Python program searches with: texts, files, pictures in memory and hits, each with a weight."""

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from db.sources.files import read_query_picture
from library.search.filters import Draft, Filter, parse_condition
from library.search.parts import LibraryPart, Part, PicturePart, TextPart
from python_api.hits import Hit
from python_api.pixels import Pixels, png_bytes

One = str | os.PathLike[str] | bytes | Pixels | Hit | Part
Searchable = One | tuple[One, float] | Sequence[One | tuple[One, float]]
Where = str | Sequence[str] | Filter


def parts_of(given: Searchable) -> tuple[Part, ...]:
    """Returns the parts of the query. Raises InvalidQuery or RejectedImage, and TypeError for what cannot be one."""
    if isinstance(given, list | tuple) and not _is_weighted(given):
        return tuple(_part(each) for each in given)
    return (_part(given),)


def drafts_of(where: Where) -> list[Draft]:
    """Returns the conditions as they were written. Raises InvalidFilter."""
    written = [where] if isinstance(where, str) else where
    return [parse_condition(each) for each in written] if not isinstance(written, Filter) else []


def _is_weighted(given: Sequence[object]) -> bool:
    return isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], int | float)


def _part(given: object) -> Part:
    match given:
        case (one, int() | float() as weight):
            return replace(_part(one), weight=float(weight))
        case TextPart() | PicturePart() | LibraryPart():
            return given
        case Hit():
            return LibraryPart(given.content_id)
        case str():
            return TextPart(given)
        case os.PathLike():
            return PicturePart(read_query_picture(os.fspath(given)))
        case bytes():
            return PicturePart(given)
        case Image.Image() | np.ndarray():
            return PicturePart(png_bytes(given))
    raise TypeError(
        f"{type(given).__name__} cannot be searched with: a text, a Path, a picture of Pillow or numpy, a hit, "
        "or a list of these can."
    )
