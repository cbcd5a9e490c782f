"""Provides a lock that many threads share, until one of them needs it alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


class SharedLock:
    """Lets many hold it at once, or one alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holders = 0
        self._is_exclusive = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Holds the lock beside others; waits while somebody holds it alone."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_exclusive)
            self._holders += 1
        try:
            yield
        finally:
            with self._changed:
                self._holders -= 1
                self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Waits until every holder has left, then holds the lock alone; new holders wait until this ends."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_exclusive)
            self._is_exclusive = True
            self._changed.wait_for(lambda: not self._holders)
        try:
            yield
        finally:
            with self._changed:
                self._is_exclusive = False
                self._changed.notify_all()


@dataclass(frozen=True)
class Locks:
    """Holds the two locks of one connection. Whoever needs both takes `writing` first."""

    writing: threading.Lock = field(default_factory=threading.Lock)
    searching: SharedLock = field(default_factory=SharedLock)
