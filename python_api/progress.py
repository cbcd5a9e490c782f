"""Shows how far a piece of work is, in a terminal or a notebook, and nothing elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import TypeVar

from library.running.progress import Total, so_far
from python_api.html import progress_bar

EVERY = 0.2  # seconds between two updates in a notebook

T = TypeVar("T")


def with_progress(items: Iterable[T], total: Total, what: str, shown: bool = True) -> Iterator[T]:
    """Passes the items on and shows how many there were, unless that is not wanted."""
    if shown and _in_notebook():
        yield from _with_notebook_bar(items, total, what)
    elif shown and sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True)) as progress:
            bar = progress.add_task(what, total=so_far(total))
            for item in items:
                yield item
                progress.update(bar, advance=1, total=so_far(total))
    else:
        yield from items


def _in_notebook() -> bool:
    """Returns whether this is a notebook, which has a kernel; the interactive shell of the same package has none."""
    if "IPython" not in sys.modules:
        return False
    return getattr(import_module("IPython").get_ipython(), "kernel", None) is not None


def _with_notebook_bar(items: Iterable[T], total: Total, what: str) -> Iterator[T]:
    from_ipython = import_module("IPython.display")
    bar = from_ipython.display(from_ipython.HTML(progress_bar(what, 0, so_far(total))), display_id=True)
    done, updated = 0, time.monotonic()
    try:
        for item in items:
            yield item
            done += 1
            if time.monotonic() - updated >= EVERY:
                bar.update(from_ipython.HTML(progress_bar(what, done, so_far(total))))
                updated = time.monotonic()
    finally:
        bar.update(from_ipython.HTML(progress_bar(what, done, so_far(total))))
