"""Defines the place that the pictures of an import are stored in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from library.errors import LikenessError, StoreUnavailable
from library.images import ContentId
from library.ports import Vectors
from library.records import Record


@dataclass(frozen=True)
class Addition:
    """Holds a decoded picture that is to be encoded and stored. One that `is_stored` lacks only its row."""

    record: Record
    image: Image.Image
    original: bytes | None  # None where it is not to be stored
    thumbnail: bytes
    is_stored: bool


@dataclass(frozen=True)
class Update:
    """Holds a new record for a picture that is there; with the original, where that is to be stored from now on."""

    record: Record
    original: bytes | None


@dataclass(frozen=True)
class Known:
    """Names a picture that the library has already, and says whether it has a row in the collection."""

    record: Record
    has_row: bool


class Destination(Protocol):
    """Stores the pictures of a run of `ingest`. Every method may be called from several threads."""

    @property
    def working_side(self) -> int:
        """Returns how many pixels the shorter side of a decoded picture needs at least."""
        ...

    def known(self, ids: Sequence[ContentId]) -> dict[ContentId, Known]:
        """Returns those of the pictures that are stored."""
        ...

    def superseded(self, ids: Sequence[ContentId]) -> dict[ContentId, Record]:
        """Returns, for superseded near-duplicates, the picture that was kept instead and is still there."""
        ...

    def encode(self, images: Sequence[Image.Image]) -> Vectors:
        """Encodes pictures as unit vectors."""
        ...

    def resembled(self, additions: Sequence[Addition], vectors: Vectors, only_kept: bool) -> dict[ContentId, Record]:
        """Returns, for near-duplicates among the additions, the picture or the earlier addition that they resemble.

        With `only_kept`, near-duplicates are not going to be kept, so that nothing can be one of theirs.
        """
        ...

    def keep(self, additions: Sequence[Addition], vectors: Vectors) -> dict[ContentId, LikenessError]:
        """Stores the pictures, then inserts their rows. Returns those that could not be kept; they get no row.

        Raises StoreUnavailable when none could be stored, IndexUnavailable when Milvus is away.
        """
        ...

    def update(self, updates: Sequence[Update]) -> dict[ContentId, LikenessError]:
        """Replaces rows, then records; nothing is encoded. Returns and raises as `keep` does."""
        ...


def all_away(errors: Sequence[LikenessError | None]) -> StoreUnavailable | None:
    """Returns the first of the errors where the store was away for every picture, and None where one was stored."""
    away = [error for error in errors if isinstance(error, StoreUnavailable)]
    return away[0] if away and len(away) == len(errors) else None
