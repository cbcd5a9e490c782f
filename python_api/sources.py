"""Reads what a Python program adds: places, pictures in memory, items, or any mix of these."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from io import IOBase
from itertools import chain
from pathlib import Path
from typing import TypeGuard

import numpy as np
from PIL import Image

from db.sources.files import at_home, items_from
from db.sources.tables.items import SUFFIXES
from db.sources.tables.parquet import is_folder_of_shards
from library.decoding.archive_kinds import is_archive
from library.errors import UnknownSource
from library.ingest.items import Item, source_label
from library.ingest.record_limits import MAX_DEPTH
from library.ingest.selection import as_metadata
from library.messages import message
from library.messages.arguments import Arguments
from library.validation import MAX_SHOWN
from python_api.pixels import Pixels, png_bytes

DEFAULT_COLUMN = "filepath"
IN_MEMORY = "Python"  # what the history calls the source of pictures that were no files

SOURCE = Arguments(UnknownSource)
ALLOWED = message("allowed_pictures")

Addable = str | os.PathLike[str] | bytes | bytearray | Pixels | Item | Iterable["Addable"]


@dataclass(frozen=True)
class Reading:
    """Holds how pictures are read. `name` is for pictures in memory, `own` are folders of the library itself, which
    are left out."""

    image_column: str = ""
    encoding: str = ""
    name: str = ""
    sidecars: bool = True
    own: Collection[Path] = ()


AS_USUAL = Reading()


def items_of(given: Addable, reading: Reading = AS_USUAL, argument: str = "pictures") -> Iterable[Item]:
    """Returns the pictures to add as items: a list where their number is known, so that a progress can be shown.

    Raises UnknownSource, in which `argument` names what is no picture and no place, and InvalidSelection for the
    metadata of an item.
    """
    match given:
        case str() | os.PathLike():
            return _items_at(SOURCE.path(argument, given, ALLOWED), reading)
        case Item():
            return [replace(given, metadata=as_metadata(given.metadata, f"{argument}.metadata"))]
        case bytes() | bytearray() | Image.Image() | np.ndarray():
            picture = bytes(given) if isinstance(given, bytearray) else given
            return [_item_in_memory(picture, reading.name)]
    if argument.count("[") > MAX_DEPTH:
        raise SOURCE.impossible(argument[:MAX_SHOWN], given, ALLOWED)
    if _are_archives(given):
        paths = [SOURCE.path(f"{argument}[{place}]", each, ALLOWED) for place, each in enumerate(given)]
        return items_from(paths, encoding=reading.encoding, own=reading.own, sidecars=reading.sidecars)
    if isinstance(given, Iterable) and not isinstance(given, Mapping | IOBase):
        found = _each(given, reading, argument)
        return _joined(list(found)) if isinstance(given, Sequence) else chain.from_iterable(found)
    raise SOURCE.impossible(argument, given, ALLOWED)


def label_of(given: Addable) -> str:
    """Returns what the history calls the source."""
    if isinstance(given, str | os.PathLike):
        return source_label(os.fspath(given))
    if isinstance(given, Sequence) and all(isinstance(each, str | os.PathLike) for each in given):
        return ", ".join(dict.fromkeys(map(label_of, given[:20])))
    return IN_MEMORY


def _items_at(place: str, reading: Reading) -> Iterable[Item]:
    if "://" not in place and _is_table(at_home(place), reading):
        return items_from([], at_home(place), reading.image_column, reading.encoding, sidecars=reading.sidecars)
    return items_from([place], encoding=reading.encoding, own=reading.own, sidecars=reading.sidecars)


def _are_archives(given: Addable) -> TypeGuard[Sequence[str | os.PathLike[str]]]:
    """Returns whether it is a list of archives, which may be parts of one."""
    if not isinstance(given, Sequence):
        return False
    return all(isinstance(each, str | os.PathLike) and is_archive(os.fspath(each)) for each in given)


def _is_table(path: Path, reading: Reading) -> bool:
    """Returns whether it is a table, perhaps in many files: a folder of nothing but shards, or one with some for which
    a column of pictures is named."""
    if path.suffix.lower() in SUFFIXES or is_folder_of_shards(path, reading.own):
        return True
    return reading.image_column != DEFAULT_COLUMN and os.path.isdir(path) and any(path.glob("*.parquet"))


def _item_in_memory(picture: bytes | Pixels, name: str) -> Item:
    file = getattr(picture, "filename", "")  # Pillow remembers what it has opened
    name = name or (Path(file).stem + ".png" if isinstance(file, str) and file else "picture.png")
    read = (lambda: picture) if isinstance(picture, bytes) else partial(png_bytes, picture)
    size = len(picture) if isinstance(picture, bytes) else 0
    return Item(name, name, read, IN_MEMORY, size=size)


def _numbered(name: str, place: int) -> str:
    """Returns `cat.png` as `cat 2.png`, to tell pictures of one list apart; nothing where there is no name."""
    path = Path(name)
    return f"{path.stem} {place}{path.suffix}" if name else ""


def _joined(found: Sequence[Iterable[Item]]) -> Iterable[Item]:
    if all(isinstance(each, Sequence) for each in found):
        return [item for each in found for item in each]
    return chain.from_iterable(found)


def _each(given: Iterable[Addable], reading: Reading, argument: str) -> Iterator[Iterable[Item]]:
    for place, each in enumerate(given):
        numbered = replace(reading, name=_numbered(reading.name, place + 1))
        yield items_of(each, numbered, f"{argument}[{place}]")
