"""Joins the pictures that all visitors see with those of one of them, which are the only ones that can change."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from library.contents.stored_files import StoredFile
from library.errors import NotAllowed, UnknownPicture
from library.images import ContentId
from library.ports import ImageStore
from library.records import Record
from library.trash.entries import Trashed
from library.visitors.bounds import Bounds
from library.visitors.own_space import OwnSpace


class CombinedStore:
    """Offers one visitor the shared store and their own as one: reads both, writes to their own.

    Without a space of the visitor, the store is read-only.
    """

    sets_aside = False

    def __init__(self, shared: ImageStore, space: OwnSpace | None, bounds: Bounds) -> None:
        self._shared = shared
        self._space = space
        self._bounds = bounds
        self._own = space.store if space else None

    def add(self, record: Record, original: bytes | None, thumbnail: bytes) -> None:
        space = self._writable()
        with space.open(), self._bounds.room(space, len(original or b"") + len(thumbnail)):
            space.store.add(record, original, thumbnail)

    def update(self, record: Record, original: bytes | None = None) -> None:
        own = self._owning(record.content_id)
        with self._writable().open():
            own.update(record, original)

    def find(self, id: ContentId) -> Record | None:
        own = self._own.find(id) if self._own else None
        return own or self._shared.find(id)

    def original(self, id: ContentId) -> bytes:
        return self._holding(id).original(id)

    def has_original(self, record: Record) -> bool:
        return self._holding(record.content_id).has_original(record)

    def thumbnail(self, id: ContentId) -> bytes:
        return self._holding(id).thumbnail(id)

    def location(self, record: Record) -> str:
        return self._holding(record.content_id).location(record)

    def delete(self, id: ContentId) -> None:
        self._owning(id).delete(id)

    def note_trashed(self, trashed: Trashed) -> None:
        self._owning(trashed.record.content_id).note_trashed(trashed)

    def hide(self, record: Record) -> None:
        self._owning(record.content_id).hide(record)

    def trashed(self) -> dict[ContentId, datetime]:
        return self._own.trashed() if self._own else {}

    def find_trashed(self, ids: Sequence[ContentId]) -> list[Trashed]:
        return self._own.find_trashed(ids) if self._own else []

    def clear_trashed(self, id: ContentId) -> None:
        if self._own:
            self._own.clear_trashed(id)

    def files(self) -> Iterator[StoredFile]:
        return self._own.files() if self._own else iter(())

    def set_aside(self, name: str) -> None:
        raise NotImplementedError(name)

    def read_file(self, name: str) -> bytes:
        return self._writable().store.read_file(name)

    def remove_file(self, name: str) -> None:
        self._writable().store.remove_file(name)

    def count(self) -> int:
        return self._shared.count() + (self._own.count() if self._own else 0)

    def ids(self) -> Sequence[ContentId]:
        """Returns the IDs of the visitor's own pictures, then of the shared ones, both newest first."""
        own = list(self._own.ids()) if self._own else []
        shared = self._shared.ids()
        known = set(own)
        return [*own, *(id for id in shared if id not in known)] if own else shared

    def find_all(self, ids: Sequence[ContentId]) -> list[Record]:
        own = {each.content_id: each for each in self._own.find_all(ids)} if self._own else {}
        if len(own) == len(ids):
            return [own[id] for id in ids]
        shared = self._shared.find_all([id for id in ids if id not in own])
        found = own | {each.content_id: each for each in shared}
        return [found[id] for id in ids if id in found]

    def _writable(self) -> OwnSpace:
        if self._space is None:
            raise NotAllowed("no_space")
        return self._space

    def _holding(self, id: ContentId) -> ImageStore:
        return self._own if self._own and self._own.find(id) else self._shared

    def _owning(self, id: ContentId) -> ImageStore:
        """Returns the visitor's own store. Raises UnknownPicture for a picture that all visitors see."""
        store = self._writable().store
        if store.find(id) is None and self._shared.find(id):
            raise UnknownPicture("picture_of_all")
        return store
