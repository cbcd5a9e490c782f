"""Shows on a terminal that a command is at work, until it prints anything."""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any, TextIO, cast

AFTER, EVERY = 0.3, 0.1  # seconds
SIGNS = "|/-\\"
ERASE = "\r\x1b[K"
QUIET = ("watch",)  # waits for something to happen


class Spinner:
    """Draws a sign that turns, from a while after its start until it is stopped."""

    def __init__(self, terminal: TextIO, after: float = AFTER) -> None:
        self._terminal = terminal
        self._after = after
        self._stopped = threading.Event()
        self._drawing = threading.Lock()
        self._is_drawn = False

    def start(self) -> None:
        threading.Thread(target=self._run, name="spinner", daemon=True).start()

    def stop(self) -> None:
        """Erases the sign for good; does nothing the second time."""
        if self._stopped.is_set():
            return
        with self._drawing:
            self._stopped.set()
            if self._is_drawn:
                self._draw(ERASE)

    def _run(self) -> None:
        self._stopped.wait(self._after)
        for sign in cycle(SIGNS):
            with self._drawing:
                if self._stopped.is_set():
                    return
                self._is_drawn = True
                self._draw(f"\r{sign}")
            self._stopped.wait(EVERY)

    def _draw(self, text: str) -> None:
        self._terminal.write(text)
        self._terminal.flush()


class _Told:
    """Stands for a stream, and calls `before` before anything is written to it."""

    def __init__(self, stream: TextIO, before: Callable[[], None]) -> None:
        self._stream = stream
        self._before = before

    def write(self, text: str) -> int:
        self._before()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def spinning(argv: Sequence[str]) -> Iterator[None]:
    """Shows a spinner on stderr within the block until something is printed, for a command at a terminal."""
    is_command = bool(argv) and not argv[0].startswith("-") and argv[0] not in QUIET
    if not (is_command and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"):
        yield
        return
    out, err = sys.stdout, sys.stderr
    spinner = Spinner(err)
    sys.stdout, sys.stderr = (cast(TextIO, _Told(stream, spinner.stop)) for stream in (out, err))
    spinner.start()
    try:
        yield
    finally:
        spinner.stop()
        sys.stdout, sys.stderr = out, err
