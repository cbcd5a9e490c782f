"""Reads regular files on disk, and nothing that may have no end, such as a pipe or a device."""

import stat
from collections.abc import Callable
from pathlib import Path

from library.errors import RejectedImage
from library.images import check_bytes


def read_regular(path: Path, check_size: Callable[[int], None] = check_bytes) -> bytes:
    """Returns the bytes of a file. Raises OSError, RejectedImage, and what `check_size` raises before it is read."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise RejectedImage("no_regular_file")
    check_size(found.st_size)
    return path.read_bytes()
