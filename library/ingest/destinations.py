"""What an import asks of the place that its pictures go into."""

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
    """A picture on its way in: decoded, not yet encoded. One that `is_stored` lacks only its row."""

    record: Record
    image: Image.Image
    original: bytes | None  # None where it is not to be stored
    thumbnail: bytes
    is_stored: bool


@dataclass(frozen=True)
class Update:
    """A new record for a picture that is there; with the original, where that is to be stored from now on."""

    record: Record
    original: bytes | None


@dataclass(frozen=True)
class Known:
    """What the library has of a picture already."""

    record: Record
    has_row: bool


class Destination(Protocol):
    """What a run needs of the library. All of it may be called from several threads."""

    @property
    def working_side(self) -> int:
        """What the shorter side of a decoded picture is to have at least."""
        ...

    def known(self, ids: Sequence[ContentId]) -> dict[ContentId, Known]:
        """Those of them that are stored."""
        ...

    def superseded(self, ids: Sequence[ContentId]) -> dict[ContentId, Record]:
        """What was kept instead of those that were given up as near-duplicates, where it is still there."""
        ...

    def encode(self, images: Sequence[Image.Image]) -> Vectors: ...
    def resembled(self, additions: Sequence[Addition], vectors: Vectors, only_kept: bool) -> dict[ContentId, Record]:
        """What those that are near-duplicates resemble: pictures of the library, or additions before them.

        With `only_kept`, they are not going to be kept.
        """
        ...

    def keep(self, additions: Sequence[Addition], vectors: Vectors) -> dict[ContentId, LikenessError]:
        """Stores, then inserts. Returns the pictures that could not be kept; they get no row.

        Raises StoreUnavailable when none could be stored, IndexUnavailable when Milvus is away.
        """
        ...

    def update(self, updates: Sequence[Update]) -> dict[ContentId, LikenessError]:
        """Rows, then records; nothing is encoded. Returns and raises as `keep` does."""
        ...


def all_away(errors: Sequence[LikenessError | None]) -> StoreUnavailable | None:
    """Returns the first of the errors where the store was away for every picture, and None where one was stored."""
    away = [error for error in errors if isinstance(error, StoreUnavailable)]
    return away[0] if away and len(away) == len(errors) else None
