"""Defines a source that can be watched: it lists its files and says when they change."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from library.ingest.items import Item
from library.ingest.watch_state import SeenFile
from library.messages import Message


@dataclass(frozen=True)
class SourceListing:
    """Holds the files of a source that may be pictures, with a signature that changes when they do.

    `unread` are files and folders that are there and could not be looked at; `mounts` the disks below the source;
    `skips` files and folders that are left out, each with the reason.
    """

    signatures: Mapping[str, str]
    unread: frozenset[str] = frozenset()
    mounts: frozenset[str] = frozenset()
    skips: Mapping[str, Message] = field(default_factory=dict, compare=False)

    def mount_of(self, path: str) -> str:
        """Returns the innermost of the mounted disks that the path lies on; empty where there is none."""
        return max((mount for mount in self.mounts if path.startswith(f"{mount}/")), key=len, default="")

    def is_gone(self, path: str, seen: SeenFile) -> bool:
        """Returns whether the file is not there any more, rather than out of sight."""
        if path in self.signatures or (seen.mount and seen.mount not in self.mounts):
            return False
        return not any(path == each or path.startswith(f"{each}/") for each in self.unread)


class WatchSource(Protocol):
    """Lists a folder or bucket that can be watched. Paths are those of the items."""

    @property
    def name(self) -> str: ...
    @property
    def shows_only_whole(self) -> bool:
        """Returns whether a file appears with its last byte, as in S3."""
        ...

    def listing(self) -> SourceListing:
        """Lists the files that are there now. Raises SourceUnavailable."""
        ...

    def item(self, path: str, signature: str) -> Item:
        """Returns the file as an item that is read only while it has this signature."""
        ...

    def skipped(self, path: str, reason: Message) -> Item:
        """Returns a file or folder that is left out as an item that says so."""
        ...

    def is_being_written(self, path: str) -> bool:
        """Returns whether someone has the file open for writing; False where that cannot be known."""
        ...

    def notice(self, changed: threading.Event, should_stop: threading.Event) -> None:
        """Sets `changed` when something may have changed, until `should_stop`; not all sources can tell."""
        ...
