"""Runs the jobs of several visitors at once, and those of each one after the other."""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from library.jobs import Job, JobRunner

AT_ONCE = 4  # visitors: a run that takes long leaves the others their turns


class VisitorRunner(JobRunner[Any]):
    """Runs jobs of several visitors at once, those of one visitor in turn, on threads that end with the last job."""

    def __init__(
        self,
        name: str,
        after: Callable[[Job[Any]], object],
        around: Callable[[str], AbstractContextManager[None]] = lambda owner: nullcontext(),
        at_once: int = AT_ONCE,
    ) -> None:
        """Runs jobs by their `owner`, the visitor; `around` surrounds those of one."""
        super().__init__(name, after)
        self._around = around
        self._at_once = at_once
        self._waiting: list[Any] = []
        self._owners: set[str] = set()  # who have a job at work
        self._threads: set[threading.Thread] = set()

    def close(self, timeout: float) -> None:
        """Waits for the jobs in hand; those that wait are not begun."""
        self._closing.set()
        with self._changing:
            for job in self._unfinished:
                job.stop.set()
            threads = list(self._threads)
        until = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _put(self, job: Job[Any]) -> None:
        self._latest = job
        if self._closing.is_set():
            job.give_up()
            return
        self._unfinished.append(job)
        self._waiting.append(job)
        if len(self._threads) < self._at_once:
            thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._threads.add(thread)
            thread.start()

    def _work(self) -> None:
        while job := self._next():
            try:
                with self._around(job.owner):
                    self._run(job)
            finally:
                with self._changing:
                    self._owners.discard(job.owner)

    def _next(self) -> Any:
        with self._changing:
            job = next((each for each in self._waiting if each.owner not in self._owners), None)
            if job is None:
                self._threads.discard(threading.current_thread())
            else:
                self._waiting.remove(job)
                self._owners.add(job.owner)
            return job
