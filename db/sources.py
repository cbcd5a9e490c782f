"""Where pictures come from: files and folders on this machine."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from library.images import IMAGE_SUFFIXES
from library.ingest import Item


def items_from(paths: Sequence[Path]) -> Iterator[Item]:
    """Files as they are; folders recursively, without hidden files and names that no picture has.

    What is left out of a folder comes as an item with `skip` set, so that a receipt can name it. A source begins with
    the name of what was asked for: visitors see it, and where that lies on this machine is not theirs to know.
    """
    for path in paths:
        if path.is_dir():
            yield from _items_in(path)
        else:
            yield _item(path, path.name)


def _items_in(folder: Path) -> Iterator[Item]:
    named = Path(folder.resolve().name)
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            yield _item(path, (named / path.relative_to(folder)).as_posix(), _reason_to_skip(name))


def _reason_to_skip(name: str) -> str | None:
    if name.startswith("."):
        return "A hidden file."
    if Path(name).suffix.lower() not in IMAGE_SUFFIXES:
        return "The name does not end like that of a picture."
    return None


def _item(path: Path, source: str, skip: str | None = None) -> Item:
    return Item(str(path), path.name, partial(path.read_bytes), source=source, skip=skip)
