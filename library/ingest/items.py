"""Describes one file that a source offers to an import."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from library.images import MAX_FILE_BYTES
from library.messages import Message
from library.records import Metadata
from library.texts import encodable

UNKNOWN_SIZE = 8 << 20  # bytes: what a file is taken for until it has been read


@dataclass(frozen=True)
class Described:
    """Holds what the sidecars of a file say of it, and what is to be told of them.

    Metadata of None stand for what they have a place for and leave empty.
    """

    metadata: Metadata = field(default_factory=dict)
    note: Message | None = None


Describe = Callable[[], Described]  # never raises


class Beside(Protocol):
    """Tells which files of one folder are sidecars, and of which picture."""

    def reason_if_one(self, name: str) -> Message | None:
        """Returns why a file is no picture, where it is a sidecar."""
        ...

    def describing(self, name: str) -> Describe | None:
        """Returns what reads the sidecars of a picture; None where it has none."""
        ...


@dataclass(frozen=True)
class Item:
    """Names one file to import. `read` returns its bytes and may raise OSError; `skip` says why it is left out.

    Metadata of None take away what the picture had under that name. `original_at` is the path or URL under which the
    bytes can be had again later, where there is one. `describe` reads the sidecars, where there are some. `size` is how
    many bytes it will have, or tells that; 0 where nobody knows.
    """

    path: str
    name: str
    read: Callable[[], bytes]
    source: str = "upload"
    metadata: Metadata = field(default_factory=dict)
    skip: Message | None = None
    original_at: str = ""
    note: Message | None = None  # what the receipt is to say where nothing else is to be said
    describe: Describe | None = None
    size: int | Callable[[], int] = 0

    @property
    def weight(self) -> int:
        """Returns about how many bytes it takes to hold the file; what is larger than any picture is not read."""
        size = 0
        if not self.skip:
            with suppress(OSError):  # reading tells what is wrong
                size = self.size() if callable(self.size) else self.size
            size = min(size, MAX_FILE_BYTES) or UNKNOWN_SIZE
        return size


def source_label(source: str) -> str:
    """Returns what visitors of the page may know of where pictures came from: a URL, or the last part of a path."""
    return encodable(source if "://" in source else os.path.basename(os.path.abspath(os.path.expanduser(source))))


class CountedItems(Iterator[Item]):
    """Yields items as they are listed, and tells how many there are in all once that is known."""

    def __init__(self, items: Iterable[Item], total: Callable[[], int | None]) -> None:
        self._items = iter(items)
        self.total = total

    def __next__(self) -> Item:
        return next(self._items)


def total_of(items: Iterable[Item]) -> int | None:
    """Returns how many items there are in all; None where that is not known, or not yet."""
    if isinstance(items, CountedItems):
        return items.total()
    return len(items) if isinstance(items, Sequence) else None
