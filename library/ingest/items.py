"""Describes one file that a source offers to an import."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from library.messages import Message
from library.records import Metadata


@dataclass(frozen=True)
class Item:
    """Names one file to import. `read` returns its bytes and may raise OSError; `skip` says why it is left out.

    Metadata of None take away what the picture had under that name. `original_at` is the path or URL under which the
    bytes can be had again later, where there is one.
    """

    path: str
    name: str
    read: Callable[[], bytes]
    source: str = "upload"
    metadata: Metadata = field(default_factory=dict)
    skip: Message | None = None
    original_at: str = ""
    note: Message | None = None  # what the receipt is to say where nothing else is to be said


def source_label(source: str) -> str:
    """Returns what visitors of the page may know of where pictures came from: a URL, or the last part of a path."""
    return source if "://" in source else os.path.basename(os.path.abspath(os.path.expanduser(source)))
