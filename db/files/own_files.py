"""Reads files that this app has written, and nothing that was put in their place: no pipe, no device and no link."""

import errno
import os
import stat
from pathlib import Path

# Opened to read, a pipe without a writer blocks; what a link leads to may be any file of the machine.
ONLY_FILES = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)


def read_own(path: Path) -> bytes:
    """Returns the bytes of a file. Raises OSError, with ENXIO for what is neither a file nor a folder."""
    try:
        descriptor = os.open(path, ONLY_FILES)
    except OSError as error:
        raise _no_file(path) if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO) else error from None
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(kind):
            raise _no_file(path)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def is_own(path: Path) -> bool:
    """Returns whether there is a file, and no link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _no_file(path: Path) -> OSError:
    return OSError(errno.ENXIO, os.strerror(errno.ENXIO), str(path))
