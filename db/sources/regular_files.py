"""Reads regular files on disk, and nothing that may have no end, such as a pipe or a device."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from library.errors import RejectedImage
from library.images import check_bytes


def read_regular(path: Path, check_size: Callable[[int], None] = check_bytes) -> bytes:
    """Returns the bytes of a file. Raises OSError, RejectedImage, and what `check_size` raises before it is read.

    It is opened once, so that what is checked is what is read.
    """
    try:
        with open(path, "rb", opener=_at_once) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise RejectedImage("no_regular_file")
            check_size(found.st_size)
            return file.read(found.st_size)
    except OSError as error:
        if error.errno in (errno.EISDIR, errno.ENXIO):  # a folder, a socket
            raise RejectedImage("no_regular_file") from None
        raise


def _at_once(path: str, flags: int) -> int:
    """Opens a file without waiting: a pipe is opened to be read once somebody writes into it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
