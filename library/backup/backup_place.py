"""Describes the place of a backup: an image store, vectors by collection, and small files."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from library.ports import ImageStore
from library.trash.dropped import DroppedCollections

NewBackup = Callable[[], AbstractContextManager[tuple[str, "BackupPlace"]]]  # with its name
Copied = Literal["copied", "without original", "lost", "damaged", "unreadable", "gone"]


@dataclass(frozen=True)
class BackupSummary:
    """Says what a finished backup holds."""

    created: str  # ISO 8601, UTC
    pictures: int
    collections: Mapping[str, int]  # rows by the name of the collection


def pictures_copied(outcomes: Mapping[Copied, int]) -> int:
    """Returns how many pictures a backup holds, given what became of how many: one that is gone was deleted meanwhile,
    of one that is unreadable the record is damaged."""
    return sum(count for outcome, count in outcomes.items() if outcome not in ("gone", "unreadable"))


class BackupPlace(Protocol):
    """Holds one backup, which counts only once `finish` was called. Methods raise InvalidBackup or StoreUnavailable."""

    @property
    def store(self) -> ImageStore:
        """Returns the image store of the backup."""
        ...

    @property
    def vectors(self) -> DroppedCollections:
        """Returns the vectors of the backup, by collection."""
        ...

    def keep_files(self) -> None:
        """Copies the small files of the library, such as what was decided about near-duplicates."""
        ...

    def restore_files(self) -> list[str]:
        """Copies those small files back that are not there, and returns their names."""
        ...

    def finish(self, summary: BackupSummary) -> None:
        """Writes the summary of the backup, without which there is no backup."""
        ...
