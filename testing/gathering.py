"""Brings several calls into one batch, whatever the machine does meanwhile."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar

from library.running.together import Together
from testing.waiting import until

T = TypeVar("T")


def gathered(together: Together, calls: Sequence[Callable[[], T]], held: "Held") -> list[T | Exception]:
    """Makes the first call, all others in their order while it is held, and lets go; returns what each came to."""
    with ThreadPoolExecutor(len(calls)) as threads:
        futures = []
        for number, call in enumerate(calls):
            futures.append(threads.submit(call))
            until(held.begun.is_set)
            wait_for(together, number)
        held.let_go.set()
        wait(futures)
    return [future.exception() or future.result() for future in futures]  # type: ignore[misc]


def wait_for(together: Together, count: int) -> None:
    """Returns once as many wait for a batch."""
    until(lambda: waiting(together) == count)


def waiting(together: Together) -> int:
    """Returns how many wait for a batch."""
    return sum(map(len, together._lines.copy().values()))


class Held:
    """Wraps a function, whose first call waits until it is let go; notes the first argument of every call."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.given: list[Any] = []
        self._function = function

    def __call__(self, given: Any, *others: Any) -> Any:
        self.given.append(given)
        if not self.begun.is_set():
            self.begun.set()
            assert self.let_go.wait(60)
        return self._function(given, *others)
