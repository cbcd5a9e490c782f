"""Holds one visitor's space: their pictures and rows, and how many there may be."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from library.errors import StoreUnavailable
from library.ports import ImageStore
from library.visitors.ports import OwnDatabase
from library.visitors.space_key import SpaceKey


class OwnSpace:
    """Holds the store and the vectors of one visitor, and accepts pictures until it is full or closed."""

    def __init__(self, key: SpaceKey, store: ImageStore, database: OwnDatabase, quota: int) -> None:
        self.key = key
        self.store = store
        self.database = database
        self.quota = quota
        self._changing = threading.Lock()
        self._is_closed = False

    @contextmanager
    def open(self) -> Iterator[None]:
        """Holds the space open while something is written. Raises StoreUnavailable once it has been closed."""
        with self._changing:
            if self._is_closed:
                raise StoreUnavailable("space_closed")
            yield

    def close(self) -> None:
        """Waits for writes that are under way, then refuses any further ones."""
        with self._changing:
            self._is_closed = True

    def check_room(self) -> None:
        """Raises StoreUnavailable where the visitor has as many pictures as they may have."""
        if self.store.count() >= self.quota:
            raise StoreUnavailable("space_full", count=self.quota)
