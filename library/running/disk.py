"""Recognises a full disk among the errors of files, and whether a folder can be written."""

import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from library.errors import InvalidSelection, LikenessError
from library.messages.reasons import reason_of

Explain = Callable[[OSError], LikenessError]

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no space, no quota, and files that may not get as large


def is_full(error: BaseException) -> bool:
    """Returns whether the disk was full, by the number of the error or, where a package gives only that, its text."""
    if isinstance(error, OSError) and error.errno:
        return error.errno in FULL
    text = str(error)
    return any(os.strerror(number) in text for number in FULL)


def can_write(folder: Path) -> bool:
    """Returns whether files can be made in a folder; for the superuser only a try shows it."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError as error:
        return error.errno == errno.ENOSPC  # what is there can still be searched


def check_regular(path: Path) -> None:
    """Raises OSError for a pipe, a socket or a device: to open one may never end, nor to read it."""
    if path.exists() and not (stat.S_ISREG(kind := path.stat().st_mode) or stat.S_ISDIR(kind)):
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))


@contextmanager
def explained(make_error: Explain) -> Iterator[None]:
    """Turns an OSError within the block into the error that `make_error` returns."""
    try:
        yield
    except OSError as error:
        raise make_error(error) from error


def writing(path: Path) -> AbstractContextManager[None]:
    """Turns an OSError within the block into an InvalidSelection that names the file."""
    return explained(lambda error: InvalidSelection("cannot_write", path=str(path), problem=reason_of(error)))
