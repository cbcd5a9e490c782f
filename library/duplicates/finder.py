"""Finds near-duplicates in the library and carries out what was decided about them."""

import threading
from collections.abc import Callable, Sequence

from library.contents.collections import Collections
from library.contents.pictures import Pictures
from library.decoders.direct import Decoder
from library.duplicates.decisions import Decisions
from library.duplicates.detail import Detail, detail_of
from library.duplicates.enlarged import Verdict, compared
from library.duplicates.groups import Group, check_threshold, find_groups
from library.errors import LikenessError, StoreUnavailable
from library.images import ContentId
from library.ports import ImageStore
from library.records import Record
from library.running.budget import looked_at


class DuplicateFinder:
    """Finds near-duplicates. Methods raise StoreUnavailable when the store, or the file of decisions, cannot be
    used."""

    def __init__(
        self,
        store: ImageStore,
        collections: Collections,
        pictures: Pictures,
        decisions: Decisions,
        changes: threading.Lock,
        decoder: Decoder,
    ) -> None:
        self._store = store
        self._collections = collections
        self._pictures = pictures
        self._decisions = decisions
        self._changes = changes
        self._grey = decoder.grey

    def find(
        self,
        threshold: float,
        on_progress: Callable[[int, int], None] = lambda *_: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> list[Group] | None:
        """Returns the groups that nobody has decided about; see `find_groups`. None when the search was stopped.

        Raises InvalidQuery, ModelUnavailable or IndexUnavailable.
        """
        check_threshold(threshold)
        with self._collections.answering().loaded() as index:
            records = self._store.find_all(self._store.ids())
            thumbnail, decisions = self._pictures.thumbnail, self._decisions
            return find_groups(
                records,
                index,
                thumbnail,
                decisions,
                self._detail,
                self._compared,
                threshold=threshold,
                on_progress=on_progress,
                should_stop=should_stop,
            )

    def _detail(self, id: ContentId) -> Detail | None:
        """Returns the detail of a picture; None where its original cannot be had or read."""
        try:
            with looked_at(self._pictures.record(id).bytes):
                return detail_of(self._pictures.original(id), self._grey)
        except StoreUnavailable:
            raise
        except LikenessError:
            return None

    def _compared(self, larger: ContentId, smaller: ContentId) -> Verdict:
        """Returns whether the larger picture holds no more than the smaller one; "larger" where one cannot be
        read."""
        try:
            with looked_at(sum(self._pictures.record(id).bytes for id in (larger, smaller))):
                return compared(self._pictures.original(larger), self._pictures.original(smaller), self._grey)
        except StoreUnavailable:
            raise
        except LikenessError:
            return "larger"

    def mark_distinct(self, ids: Sequence[ContentId], others: Sequence[ContentId]) -> None:
        """Stores that none of `ids` is a near-duplicate of any of `others`."""
        self._decisions.mark_distinct(ids, others)

    def keep_one(self, kept: ContentId, others: Sequence[ContentId]) -> list[Record]:
        """Moves the others to the trash, returns them, and imports them no more as long as the one is there.

        Raises UnknownPicture before anything is deleted.
        """
        with self._changes:
            self._pictures.record(kept)
            superseded = [id for id in others if id != kept]
            self._decisions.supersede(superseded, kept)
            return self._pictures.remove(self._store.find_all(superseded))
