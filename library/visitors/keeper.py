"""Removes the spaces of visitors whose time is over, while the app runs."""

import logging
import threading

from library.errors import LikenessError
from library.visitors.spaces import Spaces

logger = logging.getLogger(__name__)

EVERY = 300.0  # seconds
SHARE = 0.1  # of the time that visitors have, at most


class SpaceKeeper:
    """Sweeps the spaces at the start and then every few minutes, on a thread of its own."""

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = spaces
        self._stopping = threading.Event()
        self._every = min(EVERY, SHARE * 3600 * spaces.rules.hours)

    def start(self) -> None:
        """Starts the thread; a failure is logged, and the next time tries again."""
        threading.Thread(target=self._work, name="spaces", daemon=True).start()

    def stop(self) -> None:
        """Stops the thread before its next sweep; one that is running goes on to its end."""
        self._stopping.set()

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._spaces.sweep()
            except LikenessError as error:
                logger.warning("The spaces of visitors are swept again in a while: %s", error)
            except Exception:
                logger.exception("The spaces of visitors could not be swept")
            self._stopping.wait(self._every)
