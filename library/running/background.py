"""Runs what a model computes in the background, on threads that the end of the program waits for.

torch and ONNX Runtime abort a process whose interpreter goes away while they compute on a thread that nobody waits for.
"""

import threading
from collections.abc import Callable
from contextlib import suppress

LOOK = 0.2  # seconds between two looks whether the program ends


class Ending(Exception):
    """Says that the program ends, for which what is computed in the background is broken off."""


def begin(work: Callable[[], object], name: str) -> None:
    """Starts work on a thread of its own; what it does is broken off where it calls `check_end`."""

    def run() -> None:
        with suppress(Ending):
            work()

    threading.Thread(target=run, name=name, daemon=False).start()


def check_end() -> None:
    """Raises Ending once the program has come to its end and waits for its threads."""
    if not threading.main_thread().is_alive():
        raise Ending


def wait(event: threading.Event, seconds: float) -> bool:
    """Returns whether an event happened within these seconds. Raises Ending where the program ends meanwhile."""
    while seconds > 0 and not event.wait(min(LOOK, seconds)):
        check_end()
        seconds -= LOOK
    return event.is_set()
