"""Reads what a Python program adds: places, pictures in memory, items, or any mix of these."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

from db.sources.files import items_from
from db.sources.tables import READERS
from library.ingest.items import Item, source_label
from python_api.pixels import Pixels, png_bytes

IN_MEMORY = "Python"  # what the history calls the source of pictures that were no files

Addable = str | os.PathLike[str] | bytes | Pixels | Item | Iterable["Addable"]


def items_of(given: Addable, image_column: str = "", name: str = "") -> Iterable[Item]:
    """Returns the pictures to add as items: a list where their number is known, so that a progress can be shown.

    `name` is for pictures in memory. Raises UnknownSource, and TypeError for what is no picture and no place.
    """
    match given:
        case str() | os.PathLike():
            return _items_at(os.fspath(given), image_column)
        case Item():
            return [given]
        case bytes() | Image.Image() | np.ndarray():
            return [_item_in_memory(given, name)]
        case Sequence():
            found = [items_of(each, image_column, _numbered(name, place)) for place, each in enumerate(given, 1)]
            return _joined(found)
        case Iterable():
            return _one_by_one(given, image_column, name)
    raise TypeError(
        f"{type(given).__name__} cannot be added: a path, a URL, a picture of Pillow or numpy, or a list of these can."
    )


def label_of(given: Addable) -> str:
    """Returns what the history calls the source."""
    if isinstance(given, str | os.PathLike):
        return source_label(os.fspath(given))
    if isinstance(given, Sequence) and all(isinstance(each, str | os.PathLike) for each in given):
        return ", ".join(dict.fromkeys(map(label_of, given[:20])))
    return IN_MEMORY


def _items_at(place: str, image_column: str) -> Iterable[Item]:
    if "://" not in place and Path(place).suffix.lower() in READERS:
        return items_from([], Path(place).expanduser(), image_column)
    return items_from([place])


def _item_in_memory(picture: bytes | Pixels, name: str) -> Item:
    file = getattr(picture, "filename", "")  # Pillow remembers what it has opened
    name = name or (Path(file).stem + ".png" if isinstance(file, str) and file else "picture.png")
    read = (lambda: picture) if isinstance(picture, bytes) else partial(png_bytes, picture)
    return Item(name, name, read, IN_MEMORY)


def _numbered(name: str, place: int) -> str:
    """Returns `cat.png` as `cat 2.png`, to tell pictures of one list apart; nothing where there is no name."""
    path = Path(name)
    return f"{path.stem} {place}{path.suffix}" if name else ""


def _joined(found: Sequence[Iterable[Item]]) -> Iterable[Item]:
    if all(isinstance(each, Sequence) for each in found):
        return [item for each in found for item in each]
    return chain.from_iterable(found)


def _one_by_one(given: Iterable[Addable], image_column: str, name: str) -> Iterator[Item]:
    for place, each in enumerate(given, 1):
        yield from items_of(each, image_column, _numbered(name, place))
