"""Describes the files of an image store, also those that belong to no picture."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from library.images import ContentId

FileKind = Literal["record", "thumbnail", "original", "trash", "order", "partial", "other"]


@dataclass(frozen=True)
class StoredFile:
    """Describes one file by its name below the store's root; `id` is None where the name has none."""

    name: str
    id: ContentId | None
    kind: FileKind
    bytes: int
    modified: datetime

    @property
    def is_in_place(self) -> bool:
        """Returns whether it lies where the store keeps files of its kind, by its name."""
        folder = self.name.rpartition("/")[0]
        if self.kind == "partial":
            return "/" not in folder
        return self.kind != "other" and self.id is not None and folder == self.id[:2]
