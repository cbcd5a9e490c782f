"""Removes what has expired, again and again while the app runs."""

import logging
import threading
from collections.abc import Callable

from library.errors import LikenessError

logger = logging.getLogger(__name__)


class Sweeper:
    """Sweeps at the start and then in a fixed interval of seconds, on a thread of its own."""

    def __init__(self, name: str, sweep: Callable[[], object], every: float, again_after: float | None = None) -> None:
        """Takes the seconds between two sweeps; `again_after` are those before the second one, where they differ."""
        self._name = name
        self._sweep = sweep
        self._every = every
        self._wait = every if again_after is None else again_after
        self._stopping = threading.Event()

    def start(self) -> None:
        """Starts the thread; a failure is logged, and the next sweep tries again."""
        threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def stop(self) -> None:
        """Stops sweeping, after the sweep under way."""
        self._stopping.set()

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._sweep()
            except LikenessError as error:
                logger.warning("Removing what has expired (%s) is tried again later: %s", self._name, error)
            except Exception:
                logger.exception("What has expired (%s) could not be removed", self._name)
            self._stopping.wait(self._wait)
            self._wait = self._every
