"""Work in the background: uploads and reindexing, watched and stopped from any tab, closed tabs included."""

import logging
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Literal

from library.errors import UNEXPECTED, LikenessError
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


@dataclass
class Reindexing:
    """The stored pictures on their way into the collection of the chosen model."""

    state: Literal["loading", "encoding", "done", "stopped", "failed"] = "loading"
    total: int = 0
    counts: Counter[Status] = field(default_factory=Counter)
    problem: str | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def done(self) -> int:
        return self.counts.total() - self.counts["skipped"]


class Worker:
    """Works on a thread of its own: uploads one after the other, reindexing in between."""

    def __init__(self, library: ImageLibrary) -> None:
        self._library = library
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._runs: deque[Run] = deque(maxlen=KEPT_RUNS)
        self._reindexing: Reindexing | None = None
        self._beginning = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ingest", daemon=True)
        self._thread.start()

    @property
    def reindexing(self) -> Reindexing | None:
        """The latest, finished or not."""
        return self._reindexing

    def start(self, items: Sequence[Item]) -> Run:
        run = Run(total=len(items))
        if self._closing.is_set():
            _not_begun(run)
        else:
            self._runs.append(run)
            self._queue.put(partial(self._upload, run, items))
        return run

    def reindex(self) -> Reindexing:
        """Begins, or goes on where an earlier one ended; one at a time."""
        with self._beginning:
            if self._reindexing is None or self._reindexing.over.is_set():
                self._reindexing = Reindexing()
                threading.Thread(target=self._prepare, args=[self._reindexing], name="model", daemon=True).start()
            return self._reindexing

    def stop_reindexing(self) -> None:
        if self._reindexing:
            self._reindexing.stop.set()

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
        self.stop_reindexing()
        self._queue.put(None)
        self._thread.join(timeout)

    def _work(self) -> None:
        while job := self._queue.get():
            job()

    def _let_uploads_pass(self) -> None:
        """They wait for a batch at most, not for the whole library."""
        while not self._queue.empty():
            job = self._queue.get()
            if job is None:
                self._queue.put(None)
                break
            job()

    def _upload(self, run: Run, items: Sequence[Item]) -> None:
        if self._closing.is_set():
            _not_begun(run)
        else:
            self._take_in(run, items)
            run.over.set()

    def _take_in(self, run: Run, items: Sequence[Item]) -> None:
        run.state, run.started = "running", time.monotonic()
        logger.info("upload %s: started, %d files", run.id[:8], run.total)
        with _failures_noted(run):
            for receipt in self._library.add(items, run.stop.is_set):
                run.receipts.append(receipt)
                run.seconds = time.monotonic() - run.started
            run.state = "stopped" if run.stop.is_set() and run.counts()["skipped"] else "done"
        counts = ", ".join(f"{count} {status}" for status, count in run.counts().items())
        logger.info("upload %s: %s after %.1f s, %s", run.id[:8], run.state, time.monotonic() - run.started, counts)

    def _prepare(self, work: Reindexing) -> None:
        """Beside the uploads, since a download takes its time."""
        with _failures_noted(work):
            self._library.load_chosen_model()
            work.total = len(self._library.without_row())
            work.state = "encoding"
        if work.state == "encoding":
            self._queue.put(partial(self._reindex, work))
        else:
            work.over.set()

    def _reindex(self, work: Reindexing) -> None:
        logger.info("reindexing: started, %d pictures", work.total)
        with _failures_noted(work):
            receipts = [] if work.stop.is_set() else self._library.reindex(work.stop.is_set)
            for receipt in receipts:
                work.counts[receipt.status] += 1
                work.total = max(work.total, work.counts.total())  # more may have been uploaded meanwhile
                self._let_uploads_pass()
            work.state = "stopped" if work.stop.is_set() else "done"
        logger.info("reindexing: %s, %d of %d pictures", work.state, work.done, work.total)
        work.over.set()


@contextmanager
def _failures_noted(work: Run | Reindexing) -> Iterator[None]:
    """They end this work, never the worker."""
    try:
        yield
    except LikenessError as error:
        work.state, work.problem = "failed", str(error)
    except Exception:
        work.state, work.problem = "failed", UNEXPECTED
        logger.exception("Work in the background failed")


def _not_begun(run: Run) -> None:
    run.state, run.problem = "stopped", "The app was stopped before this upload began."
    run.over.set()
