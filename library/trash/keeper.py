"""Removes what has expired from the trash while the app runs."""

import logging
import threading

from library.errors import LikenessError
from library.trash.trash import UNFINISHED_AFTER, Trash

logger = logging.getLogger(__name__)

EVERY = 3600.0  # seconds
MOMENT = 1.0


class TrashKeeper:
    """Sweeps the trash at the start, once what a kill has left counts as such, and every hour, on a thread of its
    own."""

    def __init__(self, trash: Trash) -> None:
        self._trash = trash
        self._stopping = threading.Event()

    def start(self) -> None:
        """Starts the thread; a failure is logged, and the next hour tries again."""
        threading.Thread(target=self._work, name="trash", daemon=True).start()

    def stop(self) -> None:
        """Stops the thread before its next sweep; one that is running goes on to its end."""
        self._stopping.set()

    def _work(self) -> None:
        wait = UNFINISHED_AFTER.total_seconds() + MOMENT
        while not self._stopping.is_set():
            try:
                self._trash.sweep()
            except LikenessError as error:
                logger.warning("The trash is swept again in an hour: %s", error)
            except Exception:
                logger.exception("The trash could not be swept")
            self._stopping.wait(wait)
            wait = EVERY
