"""Keeps a collection in memory while somebody searches, and a while longer."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from library.errors import IndexUnavailable

logger = logging.getLogger(__name__)

State = Literal["released", "loading", "loaded", "releasing"]


@dataclass(frozen=True)
class LeaseStatus:
    """Holds what the health report says of a lease; counts are those since the process began."""

    state: State
    seconds_until_release: float | None  # None unless loaded and idle
    loads: int
    releases: int


class Lease:
    """Keeps a claim on a loaded collection, shared by the threads of one process.

    released -> loading -> loaded -> releasing -> released. One thread loads while the others wait;
    a release starts only when nobody holds the lease, so a search never meets one of its own process.
    """

    def __init__(self, load: Callable[[], None], release: Callable[[], None], release_after: float | None) -> None:
        """Releases after `release_after` idle seconds: 0 at once, None never."""
        self._load = load
        self._release = release
        self._release_after = release_after
        self._changed = threading.Condition()
        self._state: State = "released"
        self._holders = 0
        self._idle_until = 0.0
        self._timer: threading.Timer | None = None
        self._generation = 0
        self._loads = 0
        self._releases = 0

    @contextmanager
    def held(self) -> Iterator[int]:
        """Yields the number of the load that this holder came under; see `reload`."""
        generation = self._acquire()
        try:
            yield generation
        finally:
            self._let_go()

    def reload(self, generation: int) -> int:
        """Loads again for a holder who found the collection released by another process.

        Does nothing where another thread has done so since that generation. Returns the present one.
        """
        with self._changed:
            self._wait_until_settled()
            if self._generation != generation:
                return self._generation
            self._state = "loading"
        return self._finish_loading()

    @property
    def generation(self) -> int:
        return self._generation

    def status(self) -> LeaseStatus:
        with self._changed:
            idle = self._state == "loaded" and not self._holders and self._release_after is not None
            seconds = max(0.0, self._idle_until - time.monotonic()) if idle else None
            return LeaseStatus(self._state, seconds, self._loads, self._releases)

    def release_now(self) -> None:
        """Releases at once if nobody holds the lease."""
        with self._changed:
            self._idle_until = 0.0
        self._release_if_idle()

    def _acquire(self) -> int:
        with self._changed:
            self._wait_until_settled()
            if self._state == "loaded":
                self._holders += 1
                return self._generation
            self._state = "loading"
        return self._finish_loading(new_holders=1)

    def _wait_until_settled(self) -> None:
        while self._state in ("loading", "releasing"):
            self._changed.wait()

    def _finish_loading(self, new_holders: int = 0) -> int:
        try:
            self._load()
        except BaseException:
            self._become("released")
            raise
        with self._changed:
            self._loads += 1
            self._generation += 1
            self._holders += new_holders
            self._become("loaded")
            return self._generation

    def _let_go(self) -> None:
        with self._changed:
            self._holders -= 1
            if self._holders or self._release_after is None:
                return
            self._idle_until = time.monotonic() + self._release_after
        if self._release_after == 0:
            self._release_if_idle()
        else:
            self._watch()

    def _watch(self) -> None:
        with self._changed:
            if self._timer is None:
                self._timer = threading.Timer(max(0.0, self._idle_until - time.monotonic()), self._on_timer)
                self._timer.daemon = True
                self._timer.start()

    def _on_timer(self) -> None:
        with self._changed:
            self._timer = None
        self._release_if_idle()

    def _release_if_idle(self) -> None:
        with self._changed:
            if self._holders or self._state != "loaded":
                return
            if time.monotonic() < self._idle_until:
                self._watch()
                return
            self._state = "releasing"
        try:
            self._release()
            with self._changed:
                self._releases += 1
        except IndexUnavailable as error:  # the search before it has its answer: nothing is lost
            logger.warning("The collection could not be released: %s", error)
        finally:
            self._become("released")

    def _become(self, state: State) -> None:
        with self._changed:
            self._state = state
            self._changed.notify_all()
