"""Keeps the vectors of collections that were dropped, until they are restored or removed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from library.images import ContentId
from library.ports import StoredCollection, Vectors

VectorBatch = tuple[Sequence[ContentId], Vectors]


@dataclass(frozen=True)
class DroppedCollection:
    """Describes a collection that was dropped; `key` tells apart several of one name."""

    key: str
    collection: StoredCollection
    deleted: str  # ISO 8601, UTC

    @property
    def deleted_at(self) -> datetime:
        """Returns when the collection was dropped."""
        return datetime.fromisoformat(self.deleted)


def key_of(collection: StoredCollection, deleted: str) -> str:
    """Returns the key of a collection that was dropped at that moment."""
    return f"{collection.name}.{''.join(filter(str.isdigit, deleted))}"


class DroppedCollections(Protocol):
    """Keeps the vectors of dropped collections. Every method raises StoreUnavailable where the disk fails."""

    def keep(self, collection: StoredCollection, deleted: str, batches: Iterable[VectorBatch]) -> None:
        """Keeps the vectors of a collection that is about to be dropped, all or none."""
        ...

    def listed(self) -> list[DroppedCollection]:
        """Returns the collections that are kept, the last dropped first."""
        ...

    def foreign(self) -> list[str]:
        """Returns the names of files that lie there and hold no collection that could be restored."""
        ...

    def rows(self, key: str) -> Iterator[VectorBatch]:
        """Yields the vectors of a collection with the content IDs of their pictures."""
        ...

    def remove(self, key: str) -> None:
        """Removes a collection for good; does nothing for one that is not there."""
        ...


class PassingDropped:
    """Keeps the vectors of dropped collections in memory, until the process ends."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[DroppedCollection, list[VectorBatch]]] = {}

    def keep(self, collection: StoredCollection, deleted: str, batches: Iterable[VectorBatch]) -> None:
        """Keeps the vectors of a collection that was dropped."""
        rows = list(batches)
        counted = replace(collection, rows=sum(len(ids) for ids, _ in rows))
        key = key_of(collection, deleted)
        self._kept[key] = (DroppedCollection(key, counted, deleted), rows)

    def listed(self) -> list[DroppedCollection]:
        """Returns the collections that are kept, the last dropped first."""
        return sorted((each for each, _ in self._kept.values()), key=lambda each: each.deleted, reverse=True)

    def foreign(self) -> list[str]:
        """Returns no file, since there are none."""
        return []

    def rows(self, key: str) -> Iterator[VectorBatch]:
        """Yields the vectors of a dropped collection, batch by batch."""
        yield from self._kept[key][1]

    def remove(self, key: str) -> None:
        """Removes the vectors of a dropped collection for good."""
        self._kept.pop(key, None)
