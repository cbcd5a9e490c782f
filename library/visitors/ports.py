"""Defines what the spaces of visitors need: stores of pictures and rows that are bound to one space."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from library.images import ContentId
from library.ports import EncoderInfo, Hit, ImageStore, Vector, Vectors
from library.records import Record
from library.search.filters import Filter
from library.visitors.space_key import SpaceKey


class LoadedOwnRows(Protocol):
    """Searches and reads the rows of one space. Every method raises IndexUnavailable."""

    def found(self, vectors: Vectors, where: Filter | None) -> list[list[Hit]]:
        """Returns every row that the filter matches, for each vector best first."""
        ...

    def records(self, where: Filter | None) -> list[Record]:
        """Returns the records of all rows that the filter matches, in no order."""
        ...

    def vectors(self, img_paths: Sequence[str]) -> dict[ContentId, Vector]:
        """Returns the vectors of those of the pictures that have a row."""
        ...

    def count(self) -> int:
        """Returns how many rows there are."""
        ...


class OwnCollection(Protocol):
    """Keeps the rows of one space for one model."""

    def upsert(self, records: Sequence[Record], vectors: Vectors) -> None:
        """Writes the rows, replacing those that are there."""
        ...

    def loaded(self) -> AbstractContextManager[LoadedOwnRows]:
        """Yields the rows, loaded into memory for searches."""
        ...


class OwnDatabase(Protocol):
    """Keeps the rows of one space for every model."""

    def collection(self, encoder: EncoderInfo) -> OwnCollection:
        """Returns the rows that belong beside the collection of an encoder."""
        ...

    def named(self, name: str) -> OwnCollection | None:
        """Returns the rows beside the collection of that name; None where no visitor has any."""
        ...

    def update(self, records: Sequence[Record]) -> None:
        """Puts the records into the rows they have; the vectors stay."""
        ...

    def delete(self, img_paths: Sequence[str]) -> None:
        """Removes the rows of these pictures."""
        ...


class SpaceRows(Protocol):
    """Keeps the rows of all spaces."""

    def of(self, space: SpaceKey) -> OwnDatabase:
        """Returns the rows of one space, and no others."""
        ...

    def remove(self, space: SpaceKey) -> None:
        """Removes all rows of a space."""
        ...

    def remove_expired(self, now: int) -> None:
        """Removes the rows of every space that ended before a moment, which is given in milliseconds."""
        ...

    def close(self) -> None:
        """Releases what is loaded."""
        ...


class SpaceFiles(Protocol):
    """Keeps the pictures of all spaces. Every method raises StoreUnavailable."""

    def of(self, space: SpaceKey) -> ImageStore:
        """Returns the pictures of one space, and no others."""
        ...

    def stored(self) -> list[SpaceKey]:
        """Returns the spaces that have files."""
        ...

    def bytes(self) -> int:
        """Returns how many bytes all files take together."""
        ...

    def remove(self, space: SpaceKey) -> None:
        """Removes all files of a space."""
        ...
