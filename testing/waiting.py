"""Waits until something is so, which a thread or another process brings about."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], seconds: float = 60.0) -> T:
    """Returns what the condition says once that is true. Raises TimeoutError where it never is."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing came of it within {seconds:g} seconds")
        time.sleep(0.01)
    return found
