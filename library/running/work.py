"""Tells for which request or run a thread works, for the log, and whether that was asked to stop."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


class Interrupted(Exception):
    """Ends the reading for a run that was stopped. It is no failure, and nobody is told of it."""


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
    """Sets what the calling thread, or task, works for from now on."""
    _CURRENT.set(work)


@contextmanager
def working_for(id: str) -> Iterator[None]:
    """Gives the work within the block an ID; what could stop the work around it can stop this work, too."""
    before = _CURRENT.set(replace(current(), id=id))
    try:
        yield
    finally:
        _CURRENT.reset(before)


@contextmanager
def counted(spent: Callable[[float], None]) -> Iterator[None]:
    """Passes the seconds that work within the block spends on decoding to `spent`."""
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
