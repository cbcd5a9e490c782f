"""Keeps lines in a file that grows by appending and is now and then written anew."""

from collections.abc import Iterable
from pathlib import Path

from library.running.atomic import append_lines, write_atomically
from library.running.disk import check_regular


class LineFile:
    """Holds lines, without their ends, in one file. Every method raises OSError where the disk fails."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[bytes]:
        """Returns all lines; none where there is no file."""
        check_regular(self._path)
        return self._path.read_bytes().splitlines() if self._path.exists() else []

    def rewrite(self, lines: Iterable[bytes]) -> None:
        """Replaces all lines. A kill leaves the old ones or the new ones."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path, (line + b"\n" for line in lines))

    def append(self, lines: Iterable[bytes]) -> None:
        """Adds lines at the end, without waiting for the disk."""
        append_lines(self._path, lines, syncs=False)
