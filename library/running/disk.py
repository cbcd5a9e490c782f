"""Tells what a disk allows: a full one, where making room helps, from what else can go wrong with files."""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from library.errors import InvalidSelection, LikenessError
from library.reasons import reason_of

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no space, no quota, and files that may not get as large


def is_full(error: BaseException) -> bool:
    """Tells whether a disk took no more, by the number of the error, or by its words where a package gives no more."""
    if isinstance(error, OSError) and error.errno:
        return error.errno in FULL
    text = str(error)
    return any(os.strerror(number) in text for number in FULL)


def can_write(folder: Path) -> bool:
    """Tells whether files can be made in a folder, which the superuser is told of every folder until it is tried."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError as error:
        return error.errno == errno.ENOSPC  # what is there can still be searched


@contextmanager
def explained(make_error: Callable[[OSError], LikenessError]) -> Iterator[None]:
    """Raises the error that is made of what files fail with."""
    try:
        yield
    except OSError as error:
        raise make_error(error) from error


def writing(path: Path) -> AbstractContextManager[None]:
    """Raises InvalidSelection where the file that somebody named cannot be written."""
    return explained(lambda error: InvalidSelection("cannot_write", path=str(path), problem=reason_of(error)))
