"""Lets a command that runs in the app write to, ask and be stopped from the terminal where it was typed."""

import io
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

Send = Callable[[str, str], None]  # the name of a stream, and text for it


class Stream(io.TextIOBase):
    """Takes what a command prints for one of the streams of its terminal."""

    def __init__(self, name: str, send: Send, is_terminal: bool, encoding: str) -> None:
        self._name, self._send, self._is_terminal, self._encoding = name, send, is_terminal, encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self._is_terminal

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if text:
            self._send(self._name, text)
        return len(text)


@dataclass
class Terminal:
    """Stands for the terminal of a command that runs in the app.

    `ask` prints a question, on stderr where that is true, and returns a line that was typed, None at the end of the
    input; it raises KeyboardInterrupt at Ctrl-C. `environment` is what says which colours it has.
    """

    folder: str
    out: Stream
    err: Stream
    columns: int
    environment: Mapping[str, str]
    ask: Callable[[str, bool], str | None]
    interrupted: threading.Event = field(default_factory=threading.Event)
    stops: list[Callable[[], None]] = field(default_factory=list)

    def interrupt(self) -> bool:
        """Stops the command in order; returns False for one that has nothing to finish."""
        self.interrupted.set()
        for stop in self.stops:
            stop()
        return bool(self.stops)

    @contextmanager
    def stopping(self, stop: Callable[[], None]) -> Iterator[None]:
        """Calls `stop` when the command is interrupted within the block."""
        self.stops.append(stop)
        if self.interrupted.is_set():
            stop()
        try:
            yield
        finally:
            self.stops.remove(stop)


_CURRENT: ContextVar[Terminal | None] = ContextVar("terminal", default=None)


def current() -> Terminal | None:
    """Returns the terminal that the calling thread works for; None for that of the process itself."""
    return _CURRENT.get()


def enter(terminal: Terminal) -> None:
    """Lets the calling thread work for a terminal from now on."""
    _CURRENT.set(terminal)


def bound(function: F) -> F:
    """Returns the function as any thread may call it for the terminal of this one."""
    context = copy_context()

    def call(*given: Any, **options: Any) -> Any:
        return context.copy().run(function, *given, **options)

    return call  # type: ignore[return-value]


def placed(path: str) -> str:
    """Returns a path as this process finds it, which may run in another folder than the one where it was typed."""
    terminal = current()
    if terminal is None or "://" in path or path.startswith("~"):
        return path
    return os.path.join(terminal.folder, path)


def placed_file(path: Path | None) -> Path | None:
    """Returns what `placed` makes of a path; None for none."""
    return Path(placed(str(path))) if path else None


def stream_of(err: bool, own: TextIO) -> Any:
    """Returns the stream of the terminal that the calling thread works for, else that of the process itself."""
    terminal = current()
    return (terminal.err if err else terminal.out) if terminal else own


def console() -> Any:
    """Returns what draws progress on the stderr of the terminal."""
    from rich.console import Console

    terminal = current()
    if terminal is None:
        return Console(stderr=True)
    return Console(
        file=terminal.err,  # type: ignore[arg-type]
        force_terminal=terminal.err.isatty(),
        width=terminal.columns if terminal.err.isatty() else None,
        _environ=terminal.environment,
    )
