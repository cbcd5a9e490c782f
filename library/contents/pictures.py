"""Reads the records, originals and thumbnails of stored pictures, and deletes pictures."""

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial

from PIL import Image

from library.decoders.direct import Decoder
from library.errors import OriginalAway, RejectedImage, StoreUnavailable, UnknownPicture
from library.images import ContentId, content_id
from library.ingest.items import Item
from library.ports import ImageStore
from library.records import NOT_KEPT, Record
from library.running.budget import looked_at
from library.running.private import Private
from library.running.single_flight import SingleFlight
from library.trash.trash import Trash

logger = logging.getLogger(__name__)

ReadOriginal = Callable[[str], bytes]


def read_nothing(place: str) -> bytes:
    """Raises OriginalAway; it is the reader of a library whose originals are all in its store."""
    raise OriginalAway("no_originals_elsewhere")


class Pictures:
    """Reads and deletes stored pictures by content ID. Every method but `count` raises StoreUnavailable."""

    def __init__(
        self,
        store: ImageStore,
        read_original: ReadOriginal,
        trash: Trash,
        changes: threading.Lock,
        on_deleted: Callable[[list[ContentId]], None],
        decoder: Decoder,
    ) -> None:
        self._store = store
        self._read_original = read_original
        self._trash = trash
        self._changes = changes
        self._on_deleted = on_deleted
        self._decoder = decoder
        self._thumbnails: SingleFlight[ContentId, bytes] = SingleFlight()

    def count(self) -> int | None:
        """Returns how many pictures are stored; None where the store cannot be read."""
        try:
            return self._store.count()
        except StoreUnavailable as error:
            logger.debug("the pictures cannot be counted: %s", error)
            return None

    def newest(self, offset: int, limit: int) -> list[Record]:
        """Returns a page of all records, newest first."""
        while True:
            ids = self._store.ids()[offset : offset + limit]
            records = self._store.find_all(ids)
            if len(records) == len(ids) or list(self._store.ids()[offset : offset + limit]) == list(ids):
                return records  # else a damaged one was met, which counts no longer: the next page begins as it would

    def record(self, id: ContentId) -> Record:
        """Returns what is known of a picture. Raises UnknownPicture."""
        record = self._store.find(id)
        if record is None:
            raise UnknownPicture("gone")
        return record

    def records(self, ids: Sequence[ContentId]) -> list[Record]:
        """Returns the records of those of `ids` that are in the library, in the order of `ids`."""
        return self._store.find_all(ids)

    def stored(self, ids: Sequence[ContentId]) -> set[ContentId]:
        """Returns those of `ids` that are in the library."""
        return {record.content_id for record in self._store.find_all(ids)}

    def items(self) -> list[Item]:
        """Returns every picture with what is kept with it, as something that can be imported or evaluated."""
        return [
            Item(
                *(each.content_id, each.name, partial(self.original, each.content_id), each.source, each.metadata),
                size=each.bytes,
            )
            for each in self._store.find_all(self._store.ids())
        ]

    def original(self, id: ContentId) -> bytes:
        """Returns the bytes of a picture's original, as it was imported.

        Raises UnknownPicture, and OriginalAway where it is neither in the store nor where it was imported from.
        """
        try:
            return self._store.original(id)
        except UnknownPicture:
            return self._original_elsewhere(self.record(id))

    def location(self, id: ContentId) -> str | None:
        """Returns where the original lies: an absolute path, or a URL; None where it is not kept.

        Raises UnknownPicture.
        """
        record = self.record(id)
        if self._store.has_original(record):
            return self._store.location(record)
        return None if record.original_at in ("", NOT_KEPT) else record.original_at

    def thumbnail(self, id: ContentId) -> bytes:
        """Returns the thumbnail of a picture, made anew where it is missing or empty."""
        try:
            kept = self._store.thumbnail(id)
        except UnknownPicture:
            kept = b""
        return kept or self._thumbnails.get(id, lambda: self._decoder.thumbnail(self.original(id)))

    def image(self, id: ContentId, short_side: int) -> Image.Image:
        """Returns the picture, upright and perhaps reduced, with at least `short_side` pixels on its shorter side, or
        half of those that a very large picture has."""
        with looked_at(self.record(id).bytes):
            return self._decoder.decode(self.original(id), short_side).image

    def preview(self, id: ContentId) -> bytes:
        """Returns a preview of a picture: a JPEG of at most 1600 px without metadata."""
        with looked_at(self.record(id).bytes):
            return self._decoder.preview(self.original(id))

    def delete(self, ids: Sequence[ContentId]) -> list[Record]:
        """Moves pictures to the trash and returns them. Raises UnknownPicture before anything is deleted."""
        with self._changes:
            return self.remove([self.record(id) for id in ids])

    def remove(self, records: list[Record]) -> list[Record]:
        """Moves these pictures to the trash and returns them; the caller holds the lock of changes."""
        self._trash.discard(records)
        for record in records:
            logger.info("deleted %s, %s", record.content_id, Private(record.name))
        self._on_deleted([record.content_id for record in records])
        return records

    def _original_elsewhere(self, record: Record) -> bytes:
        if record.original_at in ("", NOT_KEPT):
            raise OriginalAway("original_not_kept")
        try:
            data = self._read_original(record.original_at)
        except (OSError, RejectedImage) as error:
            logger.info("the original of %s cannot be read: %s", record.content_id, error)
            raise OriginalAway("original_unreadable", source=record.source) from error
        if content_id(data) != record.content_id:
            raise OriginalAway("original_changed", source=record.source)
        return data
