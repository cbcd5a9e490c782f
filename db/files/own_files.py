"""Reads files that this app has written, and nothing that was put in their place: no pipe, no device and no link."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from library.errors import RejectedImage
from library.images import MAX_FILE_BYTES

# Opened to read, a pipe without a writer blocks; what a link leads to may be any file of the machine.
ONLY_FILES = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
SMALL_FILE = 32 << 20  # bytes of a record, a thumbnail or an entry of the trash, which have a thousandth of it


def read_own(path: Path, most: int = MAX_FILE_BYTES) -> bytes:
    """Returns the bytes of a file, of at most `most`. Raises what `opened_own` raises, and RejectedImage for more."""
    with opened_own(path) as file:
        if (size := os.fstat(file.fileno()).st_size) > most:
            raise RejectedImage("too_heavy", size=round(size / 1e6), most=most >> 20)
        return file.read(most)


@contextmanager
def opened_own(path: Path) -> Iterator[IO[bytes]]:
    """Yields a file to be read. Raises OSError, with ENXIO for what is neither a file nor a folder."""
    try:
        descriptor = os.open(path, ONLY_FILES)
    except OSError as error:
        raise no_file(path) if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO) else error from None
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(kind):
            raise no_file(path)
        with open(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def is_odd(error: OSError) -> bool:
    """Returns whether something else lies in the place of a file, which the doctor lists, and moves out."""
    return isinstance(error, IsADirectoryError) or error.errno == errno.ENXIO


def is_own(path: Path) -> bool:
    """Returns whether there is a file, and no link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def no_file(path: Path) -> OSError:
    """Returns the error of what is neither a file nor a folder."""
    return OSError(errno.ENXIO, os.strerror(errno.ENXIO), str(path))
