"""Work in the background: uploads and reindexing, watched and stopped from any tab, closed tabs included."""

import logging
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Literal

from library.duplicates.job import DuplicateJob
from library.errors import UNEXPECTED, LikenessError
from library.evaluation.tuning_job import TuningJob
from library.image_library import ImageLibrary
from library.ingest.items import Item
from library.ingest.pipeline import was_interrupted
from library.ingest.receipts import FileReceipt, Status, tally
from library.ingest.storing import Near

logger = logging.getLogger(__name__)

KEPT_RUNS = 200


@dataclass
class Run:
    """One run over pictures to take in. Written by the worker alone; others read it at any time."""

    source: str
    total: int | None  # None until all is listed
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
    """The stored pictures on their way into the collection of a model; of the chosen one if none is named."""

    model: str = ""
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
        self.meter = TuningJob(library)
        self.finder = DuplicateJob(library)
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

    def start(self, items: Iterable[Item], source: str = "upload", in_place: bool = False, near: Near = "take") -> Run:
        run = Run(source, len(items) if isinstance(items, Sequence) else None)
        if self._closing.is_set():
            _not_begun(run)
        else:
            self._runs.append(run)
            self._queue.put(partial(self._upload, run, items, in_place, near))
        return run

    def reindex(self, model: str = "") -> Reindexing:
        """Begins, or goes on where an earlier one ended; one at a time, whatever the model."""
        with self._beginning:
            if self._reindexing is None or self._reindexing.over.is_set():
                self._reindexing = Reindexing(model)
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
        self.meter.close(2.0)
        self.finder.close(2.0)
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

    def _upload(self, run: Run, items: Iterable[Item], in_place: bool, near: Near) -> None:
        if self._closing.is_set():
            _not_begun(run)
        else:
            self._take_in(run, items, in_place, near)
            run.over.set()
            if not self._closing.is_set():
                self._library.calibrate()

    def _take_in(self, run: Run, items: Iterable[Item], in_place: bool, near: Near) -> None:
        run.state, run.started = "running", time.monotonic()
        name = f"{run.source} {run.id[:8]}"
        logger.info("%s: started, %s files", name, "?" if run.total is None else run.total)
        with _failures_noted(run):
            for receipt in self._library.add(items, run.stop.is_set, in_place=in_place, source=run.source, near=near):
                run.receipts.append(receipt)
                run.seconds = time.monotonic() - run.started
            run.state = "stopped" if was_interrupted(items, run.stop.is_set, run.counts()["skipped"]) else "done"
        counts = ", ".join(f"{count} {status}" for status, count in run.counts().items())
        logger.info("%s: %s after %.1f s, %s", name, run.state, time.monotonic() - run.started, counts)

    def _prepare(self, work: Reindexing) -> None:
        """Beside the uploads, since a download takes its time."""
        with _failures_noted(work):
            self._library.load_model(work.model)
            work.total = len(self._library.without_row(work.model))
            work.state = "encoding"
        if work.state == "encoding":
            self._queue.put(partial(self._reindex, work))
        else:
            work.over.set()

    def _reindex(self, work: Reindexing) -> None:
        logger.info("reindexing: started, %d pictures", work.total)
        with _failures_noted(work):
            receipts = [] if work.stop.is_set() else self._library.reindex(work.stop.is_set, work.model)
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
        work.state, work.problem = "failed", str(UNEXPECTED)
        logger.exception("Work in the background failed")


def _not_begun(run: Run) -> None:
    run.state, run.problem = "stopped", "The app was stopped before this upload began."
    run.over.set()
