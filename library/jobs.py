"""Runs jobs in the background: each is watched and stopped from any tab, and outlives the tab that began it."""

import logging
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Generic, Literal, TypeVar

from library.errors import UNEXPECTED, LikenessError
from library.messages import Message, message
from library.running.work import current, working_for
from library.times import iso_now

logger = logging.getLogger(__name__)

T = TypeVar("T")
State = Literal["waiting", "running", "done", "stopped", "failed"]


class Job(ABC, Generic[T]):
    """Does a piece of work, with its progress and its result. Its own thread writes them; any other may read them."""

    def __init__(self, name: str) -> None:
        """Makes a job that the log calls `name`."""
        self.name = name
        self.id = uuid.uuid4().hex
        self.begun_by = current().id  # the request that began it
        self.state: State = "waiting"
        self.done = 0
        self.total: int | None = 0  # None until all that there is to do has been listed
        self.result: T | None = None
        self.problem: Message | None = None
        self.seconds = 0.0  # from the start to the latest progress
        self.ended = ""  # when, once it is done
        self.stop = threading.Event()  # set from outside: it is asked to end early
        self.over = threading.Event()
        self._started = 0.0

    @abstractmethod
    def work(self) -> T | None:
        """Does the work and returns its result, or None where it was stopped before the end. May raise anything."""

    @property
    def extent(self) -> str:
        """Returns the amount of work as text for the log, where it is known at the start."""
        return ""

    @property
    def outcome(self) -> str:
        """Returns how much was done, for the log."""
        return f"{self.done} of {self.total}"

    @property
    def finished(self) -> bool:
        return self.state not in ("waiting", "running")

    @property
    def is_stopping(self) -> bool:
        return self.stop.is_set() and not self.over.is_set()

    def on_progress(self, done: int, total: int | None) -> None:
        self.done, self.total = done, total
        self.seconds = time.monotonic() - self._started

    def run(self) -> None:
        """Does the work on the calling thread. A failure ends this job, never the thread."""
        self.state, self._started = "running", time.monotonic()
        with working_for(self.id[:8]):
            begun_by = f"by request {self.begun_by}" if self.begun_by else ""
            logger.info("%s: %s", self.name, ", ".join(filter(None, ["started", self.extent, begun_by])))
            with self.failing():
                self.result, self.ended = self.work(), iso_now()
                self.state = "stopped" if self.result is None else "done"
            seconds = time.monotonic() - self._started
            logger.info("%s: %s after %.1f s, %s", self.name, self.state, seconds, self.outcome)
        self.over.set()

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Turns an error raised within the block into the job's problem; a bug keeps its traceback in the log."""
        try:
            yield
        except LikenessError as error:
            self.state, self.problem = "failed", error.message
        except Exception:
            self.state, self.problem = "failed", UNEXPECTED
            logger.exception("%s failed", self.name)

    def give_up(self) -> None:
        """Ends the job before it began."""
        self.state, self.problem = "stopped", message("not_begun")
        self.over.set()


class JobRunner(Generic[T]):
    """Runs jobs one after the other on a thread of its own, which begins with the first of them."""

    def __init__(self, name: str, after: Callable[[Job[T]], object] = lambda job: None) -> None:
        """Names the thread; `after` is called when a job has run, unless the runner is closing."""
        self._name = name
        self._after = after
        self._queue: SimpleQueue[Job[T] | None] = SimpleQueue()
        self._unfinished: list[Job[T]] = []
        self._changing = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._latest: Job[T] | None = None
        self._kept: Job[T] | None = None

    @property
    def latest(self) -> Job[T] | None:
        """Returns the job that was submitted last, over or not."""
        return self._latest

    @property
    def last_done(self) -> Job[T] | None:
        """Returns the last job that was done, which has a result."""
        return self._latest if self._latest and self._latest.result is not None else self._kept

    @property
    def result(self) -> T | None:
        """Returns the result of the last job that was done."""
        return self.last_done.result if self.last_done else None

    def submit(self, job: Job[T]) -> None:
        """Puts the job in line."""
        with self._changing:
            self._put(job)

    def start(self, job: Job[T]) -> Job[T]:
        """Begins the job, or returns the one under way instead: one at a time, and none in line."""
        with self._changing:
            if self._latest is None or self._latest.over.is_set():
                self._put(job)
            return self._latest or job

    def run_waiting(self) -> None:
        """Runs the jobs that wait: a long one calls this between its steps, so that they need not wait for its end."""
        while not self._queue.empty():
            job = self._queue.get()
            if job is None:
                self._queue.put(None)
                break
            self._run(job)

    def stop(self) -> None:
        """Asks the latest job to end early."""
        if self._latest:
            self._latest.stop.set()

    def close(self, timeout: float) -> None:
        """Waits for the job in hand, which Milvus must not go away under; those that wait are not begun."""
        self._closing.set()
        with self._changing:
            for job in self._unfinished:
                job.stop.set()
            self._queue.put(None)
            thread = self._thread
        if thread:
            thread.join(timeout)

    def _put(self, job: Job[T]) -> None:
        self._kept, self._latest = self.last_done, job
        if self._closing.is_set():
            job.give_up()
            return
        self._unfinished.append(job)
        self._queue.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while job := self._queue.get():
            self._run(job)

    def _run(self, job: Job[T]) -> None:
        if self._closing.is_set():
            job.give_up()
        else:
            job.run()
            if not self._closing.is_set():
                self._after(job)
        with self._changing:
            self._unfinished.remove(job)
