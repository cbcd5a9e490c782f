"""Reads the records of an image store, and remembers which of them are damaged: such a picture is not counted."""

import logging
import time
from collections.abc import Callable, Sequence

from library.images import ContentId
from library.records import Record

logger = logging.getLogger(__name__)

SHORTEST_RECORD = 250  # bytes: its content ID and its path take more
MOST_TOLD = 5
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
        self._tell(id)
        return None

    def note_written(self, id: ContentId) -> None:
        """Counts a picture whose record was written anew among the others again."""
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

    def _tell(self, id: ContentId) -> None:
        if id in self._told or len(self._told) > MOST_TOLD:
            return
        self._told.add(id)
        if len(self._told) > MOST_TOLD:
            logger.warning("More records are damaged: python app.py doctor lists them, with --fix it writes them anew")
            return
        logger.warning(
            "The record of %s is damaged: the picture is neither listed nor counted, though a search may find it by "
            "its row. Write the record anew: python app.py doctor --fix, or add its original (%s.*, beside it) again",
            id,
            id,
        )
