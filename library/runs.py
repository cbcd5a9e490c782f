"""Uploads in the background: one run at a time, watched and stopped from any tab, closed tabs included."""

import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Literal

from library.errors import LikenessError
from library.image_library import ImageLibrary
from library.ingest import FileReceipt, Item, Status, tally

logger = logging.getLogger(__name__)

KEPT_RUNS = 50


@dataclass
class Run:
    """One upload. Written by the worker alone; others read it at any time."""

    total: int
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: Literal["waiting", "running", "done", "stopped", "failed"] = "waiting"
    receipts: list[FileReceipt] = field(default_factory=list)
    problem: str | None = None
    started: float = 0.0
    seconds: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def finished(self) -> bool:
        return self.state in ("done", "stopped", "failed")

    def counts(self) -> dict[Status, int]:
        return tally(self.receipts)


class Worker:
    """Takes runs in one after the other on a thread of its own."""

    def __init__(self, library: ImageLibrary) -> None:
        self._library = library
        self._queue: SimpleQueue[tuple[Run, Sequence[Item]] | None] = SimpleQueue()
        self._runs: deque[Run] = deque(maxlen=KEPT_RUNS)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ingest", daemon=True)
        self._thread.start()

    def start(self, items: Sequence[Item]) -> Run:
        run = Run(total=len(items))
        if self._closing.is_set():
            _not_begun(run)
        else:
            self._runs.append(run)
            self._queue.put((run, items))
        return run

    def find(self, id: str) -> Run | None:
        return next((run for run in self._runs if run.id == id), None)

    def current(self) -> Run | None:
        """The run at work, or the next in line."""
        return next((run for run in self._runs if not run.finished), None)

    def close(self, timeout: float = 7.0) -> None:
        """Finishes the batch in hand and stops; runs that wait are not begun."""
        self._closing.set()
        for run in self._runs:
            run.stop.set()
        self._queue.put(None)
        self._thread.join(timeout)

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            run, items = job
            if self._closing.is_set():
                _not_begun(run)
            else:
                self._take_in(run, items)
                run.over.set()

    def _take_in(self, run: Run, items: Sequence[Item]) -> None:
        run.state, run.started = "running", time.monotonic()
        logger.info("upload %s: started, %d files", run.id[:8], run.total)
        try:
            for receipt in self._library.add(items, run.stop.is_set):
                run.receipts.append(receipt)
                run.seconds = time.monotonic() - run.started
            run.state = "stopped" if run.stop.is_set() and run.counts()["skipped"] else "done"
        except LikenessError as error:
            run.state, run.problem = "failed", str(error)
        except Exception:
            run.state, run.problem = "failed", "Something unexpected went wrong; the log of the app has the details."
            logger.exception("An upload failed")
        counts = ", ".join(f"{count} {status}" for status, count in run.counts().items())
        logger.info("upload %s: %s after %.1f s, %s", run.id[:8], run.state, time.monotonic() - run.started, counts)


def _not_begun(run: Run) -> None:
    run.state, run.problem = "stopped", "The app was stopped before this upload began."
    run.over.set()
