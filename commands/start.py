"""Makes a process ready that has just begun: its standard streams are open, and a signal ends it at once."""

import _signal  # type: ignore[import-not-found]  # `signal` imports enum first, which takes longer than all else here
import gc
import os
import sys

from commands.exit_codes import EXIT_INTERRUPTED


def begin() -> None:
    """Opens the standard streams that are closed, and lets SIGTERM and Ctrl-C end the process, unless it ignores them.

    To be called before all else is imported, which takes a second in which a signal may come. Garbage is not looked for
    until `runtime.collect_garbage`: nearly all that imports make stays, and each look at it takes its time.
    """
    gc.disable()
    for number in (_signal.SIGINT, _signal.SIGTERM):
        if _signal.getsignal(number) is not _signal.SIG_IGN:
            _signal.signal(number, end_at_once)
    open_closed_streams()


def end_at_once(*_: object) -> None:
    """Ends the process with a word and the code of what was stopped; handles a signal."""
    try:
        os.write(2, b"\rStopped.\n" if os.isatty(2) else b"Stopped.\n")  # over the sign that turns on a terminal
    finally:
        os._exit(EXIT_INTERRUPTED)


def open_closed_streams() -> None:
    """Opens the null device for each standard stream that is closed.

    The next file that is opened would else have its descriptor, and be written to by whoever prints.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free, which is this
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors="replace", closefd=False))
