"""Reads the records of an image store, and remembers which of them are damaged: such a picture counts as missing."""

import logging
import time
from collections.abc import Callable, Sequence

from library.images import ContentId
from library.records import Record

logger = logging.getLogger(__name__)

SHORTEST_RECORD = 250  # bytes: its content ID and its path take more
READ_AGAIN_AFTER = 5.0  # seconds: another process may have written it anew


class RecordReader:
    """Reads records, and leaves damaged ones out of counts once they were met. Safe to use from several threads."""

    def __init__(self) -> None:
        self._damaged: dict[ContentId, float] = {}  # with the time at which each was read
        self._told: set[ContentId] = set()

    def read(self, id: ContentId, json: bytes) -> Record | None:
        """Returns the record; None for a damaged one, which is told once."""
        try:
            record = Record.from_json(json.decode())
            if record.content_id == id:
                self.note_written(id)
                return record
        except (ValueError, TypeError, RecursionError):
            pass
        self._damaged[id] = time.monotonic()
        if id not in self._told:
            self._told.add(id)
            _tell(id)
        return None

    def note_written(self, id: ContentId) -> None:
        """Counts the picture again."""
        self._damaged.pop(id, None)
        self._told.discard(id)

    def without_damaged(
        self, ids: Sequence[ContentId], find: Callable[[ContentId], Record | None]
    ) -> Sequence[ContentId]:
        """Returns the pictures whose records are not known to be damaged; `find` reads a record again."""
        if not self._damaged:
            return ids
        now = time.monotonic()
        for id, read_at in list(self._damaged.items()):
            if now - read_at > READ_AGAIN_AFTER:
                self._damaged.pop(id, None)
                find(id)
        return [id for id in ids if id not in self._damaged]


def _tell(id: ContentId) -> None:
    logger.warning(
        "The record of %s is damaged: the picture counts as missing. Add its original (%s.*, beside the record) again, "
        "which writes a new one: python app.py ingest FILE",
        id,
        id,
    )
