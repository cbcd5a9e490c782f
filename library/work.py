"""Knows on whose behalf a thread works: which request or run the log names, and whether that is to stop."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


class Interrupted(Exception):
    """Ends what is being read for a run that was stopped; no failure, and told to nobody."""


@dataclass(frozen=True)
class Work:
    """Names a request or a run; `should_stop` tells whether it was asked to end early, `spent` is told the seconds of
    the processor that reading untrusted files takes."""

    id: str = ""
    should_stop: Callable[[], bool] = lambda: False
    spent: Callable[[float], None] = lambda seconds: None


NOTHING = Work()
_CURRENT: ContextVar[Work] = ContextVar("work")  # each thread and each task has its own


def current() -> Work:
    """Returns what the calling thread works for."""
    return _CURRENT.get(NOTHING)


def enter(work: Work) -> None:
    """Lets the calling thread, or task, work for this from now on."""
    _CURRENT.set(work)


@contextmanager
def working_for(id: str) -> Iterator[None]:
    """Names what is done within; whatever could stop what surrounds it can stop this, too."""
    before = _CURRENT.set(replace(current(), id=id))
    try:
        yield
    finally:
        _CURRENT.reset(before)


@contextmanager
def counted(spent: Callable[[float], None]) -> Iterator[None]:
    """Has the time told that is spent within."""
    before = _CURRENT.set(replace(current(), spent=spent))
    try:
        yield
    finally:
        _CURRENT.reset(before)


def worker_pool(threads: int | None, name: str = "", work: Work | None = None) -> ThreadPoolExecutor:
    """Makes a pool whose threads work for `work`, else for what the calling thread works for."""
    return ThreadPoolExecutor(threads, name, initializer=enter, initargs=(work or current(),))


def check_stop() -> None:
    """Raises Interrupted where the run that the calling thread works for is to stop."""
    if current().should_stop():
        raise Interrupted
