"""Finds the running child processes of a process."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def children(process: str = "self") -> Iterator[str]:
    """Yields the IDs of the processes that this one, or another, has started."""
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            yield from (task / "children").read_text().split()
