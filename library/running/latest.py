"""Keeps what was made last, so that it need not be made again while somebody still asks for it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Latest(Generic[K, V]):
    """Keeps the values that were asked for last, within a room. Safe to use from several threads."""

    def __init__(self, room: int, size: Callable[[V], int] = lambda value: 1) -> None:
        """Keeps as many values as have `room` together by their `size`, which is 1 where none is given."""
        self._room, self._size = room, size
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._used = 0
        self._lock = threading.Lock()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Returns the value of the key, made where it is not kept; two who ask at the same time may both make it."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = make()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = value
                self._used += self._size(value)
            while self._used > self._room:
                _, oldest = self._kept.popitem(last=False)
                self._used -= self._size(oldest)
        return value
