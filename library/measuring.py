"""The meter in the background: one measurement at a time, watched and stopped from any tab."""

import logging
import threading
from dataclasses import dataclass, field
from typing import Literal

from library.errors import UNEXPECTED, LikenessError
from library.image_library import ImageLibrary
from library.tuning import Tuning, Wish

logger = logging.getLogger(__name__)


@dataclass
class Measurement:
    """Written by its own thread alone; others read it at any time."""

    state: Literal["measuring", "done", "stopped", "failed"] = "measuring"
    done: int = 0
    total: int = 0
    tuning: Tuning | None = None
    problem: str | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def tell(self, done: int, total: int) -> None:
        self.done, self.total = done, total


class Meter:
    def __init__(self, library: ImageLibrary) -> None:
        self._library = library
        self._beginning = threading.Lock()
        self._latest: Measurement | None = None
        self._result: Tuning | None = None

    @property
    def latest(self) -> Measurement | None:
        return self._latest

    @property
    def result(self) -> Tuning | None:
        """Of the last measurement that came to its end."""
        return self._result

    def start(self, wish: Wish) -> Measurement:
        """Begins, or returns the one under way."""
        with self._beginning:
            if self._latest is None or self._latest.over.is_set():
                self._latest = Measurement()
                arguments = [self._latest, wish]
                threading.Thread(target=self._measure, args=arguments, name="meter", daemon=True).start()
            return self._latest

    def stop(self) -> None:
        if self._latest:
            self._latest.stop.set()

    def close(self, timeout: float) -> None:
        """Waits for the search in hand: Milvus must not go away under it."""
        if self._latest:
            self._latest.stop.set()
            self._latest.over.wait(timeout)

    def _measure(self, work: Measurement, wish: Wish) -> None:
        try:
            work.tuning = self._library.tune(wish, work.tell, work.stop.is_set)
            self._result = work.tuning or self._result
            work.state = "done" if work.tuning else "stopped"
        except LikenessError as error:
            work.state, work.problem = "failed", str(error)
        except Exception:
            work.state, work.problem = "failed", UNEXPECTED
            logger.exception("A measurement failed")
        logger.info("measuring accuracy: %s", work.state)
        work.over.set()
