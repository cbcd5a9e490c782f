"""Adds and reindexes in the background: uploads one after the other, reindexing in between."""

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from library.doctor.findings import Report
from library.duplicates.job import DuplicateReview
from library.evaluation.tuning import Tuning
from library.image_library import ImageLibrary
from library.ingest.items import Item, total_of
from library.ingest.pipeline import was_interrupted
from library.ingest.receipts import FileReceipt, Status, tally
from library.ingest.storing import Near
from library.jobs import Job, JobRunner
from library.running import background
from library.running.monitor import code_of
from library.running.private import Private

KEPT_RUNS = 200
NAMELESS = ("upload", "samples")  # sources that name no place

logger = logging.getLogger(__name__)


class AddJob(Job[list[FileReceipt]]):
    """Adds pictures to the library; the receipts so far can be read at any time."""

    def __init__(
        self,
        library: ImageLibrary,
        items: Iterable[Item],
        source: str = "upload",
        in_place: bool = False,
        near: Near = "take",
        owner: str = "",
    ) -> None:
        """Makes the job of `owner`, the visitor who began it and may see and stop it."""
        super().__init__("")
        self.name = f"{source if source in NAMELESS else 'import'} {self.id[:8]}"
        self.owner = owner
        self.source = source
        self.total = total_of(items)
        self.receipts: list[FileReceipt] = []
        self._library = library
        self._items = items
        self._in_place = in_place
        self._near = near

    @property
    def extent(self) -> str:
        return f"{'?' if self.total is None else self.total} files"

    @property
    def outcome(self) -> str:
        return ", ".join(f"{count} {status}" for status, count in self.counts().items())

    def counts(self) -> dict[Status, int]:
        return tally(self.receipts)

    def work(self) -> list[FileReceipt] | None:
        should_stop = self.stop.is_set
        if self.source not in NAMELESS:
            logger.info("%s: from %s", self.name, Private(self.source))
        for receipt in self._library.add(
            self._items, should_stop, in_place=self._in_place, source=self.source, near=self._near
        ):
            self.receipts.append(receipt)
            self.on_progress(len(self.receipts), total_of(self._items))
        return None if was_interrupted(self._items, should_stop, self.counts()["skipped"]) else self.receipts


class ReindexJob(Job[Counter[Status]]):
    """Encodes the stored pictures for a model that lacks them: the chosen one if none is named."""

    def __init__(self, library: ImageLibrary, model: str, let_others_pass: Callable[[], None]) -> None:
        super().__init__("reindexing")
        self.model = model
        self.counts: Counter[Status] = Counter()
        self._library = library
        self._let_others_pass = let_others_pass

    @property
    def extent(self) -> str:
        return f"{self.total} pictures"

    def prepare(self) -> None:
        """Loads the model and counts the pictures. Raises ModelUnavailable or UnknownModel."""
        self._library.models.to_encode_for(self.model)
        self.total = len(self._library.importer.missing(self.model))

    def work(self) -> Counter[Status] | None:
        receipts = [] if self.stop.is_set() else self._library.reindex(self.stop.is_set, self.model)
        for receipt in receipts:
            self.counts[receipt.status] += 1
            tried = self.counts.total()
            self.on_progress(tried - self.counts["skipped"], max(self.total or 0, tried))  # more may have been added
            self._let_others_pass()
        return None if self.stop.is_set() else self.counts


class Worker:
    """Keeps the jobs of one library: what is added and reindexed, measured and compared."""

    def __init__(self, library: ImageLibrary) -> None:
        self._library = library
        self.tuning = JobRunner[Tuning]("tuning", self._after)
        self.doctor = JobRunner[Report]("doctor", self._after)
        self.duplicates = DuplicateReview(library)
        self._runner = JobRunner[Any]("ingest", self._after)
        self._runs: deque[AddJob] = deque(maxlen=KEPT_RUNS)
        self._reindexing: ReindexJob | None = None
        self._beginning = threading.Lock()

    @property
    def reindexing(self) -> ReindexJob | None:
        """Returns the reindexing that was begun last, over or not."""
        return self._reindexing

    def start(
        self,
        items: Iterable[Item],
        source: str = "upload",
        in_place: bool = False,
        near: Near = "take",
        owner: str = "",
    ) -> AddJob:
        """Adds the items once the runs before this one are over."""
        return self._begin(AddJob(self._library, items, source, in_place, near, owner))

    def _begin(self, run: AddJob) -> AddJob:
        self._runs.append(run)
        self._runner.submit(run)
        return run

    def reindex(self, model: str = "") -> ReindexJob:
        """Begins to encode what a model lacks, or returns the reindexing under way, of whatever model."""
        with self._beginning:
            if self._reindexing is None or self._reindexing.over.is_set():
                self._reindexing = ReindexJob(self._library, model, self._runner.run_waiting)
                background.begin(partial(self._prepare, self._reindexing), "model")
            return self._reindexing

    def stop_reindexing(self) -> None:
        if self._reindexing:
            self._reindexing.stop.set()

    def find(self, id: str) -> AddJob | None:
        return next((run for run in self._runs if run.id == id), None)

    def current(self, owner: str | None = None) -> AddJob | None:
        """Returns the run at work, or the next in line; with an owner, the first of theirs."""
        return next((run for run in self._runs if not run.finished and owner in (None, run.owner)), None)

    def close(self, timeout: float = 7.0) -> None:
        """Finishes the batch in hand and stops; runs that wait are not begun."""
        self.stop_reindexing()
        self._runner.close(0)  # asks it to stop, before the others are waited for
        self.tuning.close(2.0)
        self.duplicates.close(2.0)
        self.doctor.close(2.0)
        self._runner.close(timeout)

    def _prepare(self, job: ReindexJob) -> None:
        """Loads the model beside the uploads, since a download takes its time."""
        with job.failing():
            job.prepare()
        if job.state == "failed":
            job.over.set()
        else:
            self._runner.submit(job)

    def _after(self, job: Job[Any]) -> None:
        if job.state == "failed":
            self._library.monitor.failed("job", code_of(job.problem))
        if isinstance(job, AddJob):
            self._library.calibrate()
