"""Reads regular files on disk, and nothing that may have no end, such as a pipe or a device."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from library.errors import RejectedImage
from library.images import check_bytes

# Opened once, so that what is checked is what is read; opened to read, a pipe without a writer would block.
TO_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


def read_regular(path: Path, check_size: Callable[[int], None] = check_bytes) -> bytes:
    """Returns the bytes of a file. Raises OSError, RejectedImage, and what `check_size` raises before it is read."""
    descriptor = os.open(path, TO_READ)
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise RejectedImage("no_regular_file")
        check_size(found.st_size)
        return file.read(found.st_size)
