"""One job at a time in the background, watched and stopped from any tab."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from library.errors import UNEXPECTED, LikenessError

logger = logging.getLogger(__name__)


@dataclass
class Job:
    """Written by its own thread alone; others read it at any time."""

    state: Literal["running", "done", "stopped", "failed"] = "running"
    done: int = 0
    total: int = 0
    problem: str | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def on_progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total


class JobRunner:
    """`name` is that of its thread, and what the log calls it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._beginning = threading.Lock()
        self.latest: Job | None = None

    def start(self, work: Callable[[Job], bool]) -> Job:
        """Begins, or returns the job under way. `work` says whether it came to its end; it may raise anything."""
        with self._beginning:
            if self.latest is None or self.latest.over.is_set():
                self.latest = Job()
                threading.Thread(target=self._run, args=[self.latest, work], name=self._name, daemon=True).start()
            return self.latest

    def stop(self) -> None:
        if self.latest:
            self.latest.stop.set()

    def close(self, timeout: float) -> None:
        """Waits for what is in hand: Milvus must not go away under it."""
        if self.latest:
            self.latest.stop.set()
            self.latest.over.wait(timeout)

    def _run(self, job: Job, work: Callable[[Job], bool]) -> None:
        try:
            job.state = "done" if work(job) else "stopped"
        except LikenessError as error:
            job.state, job.problem = "failed", str(error)
        except Exception:
            job.state, job.problem = "failed", str(UNEXPECTED)
            logger.exception("%s failed", self._name)
        logger.info("%s: %s", self._name, job.state)
        job.over.set()
