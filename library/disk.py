"""Tells what a disk allows: a full one, where making room helps, from what else can go wrong with files."""

import errno
import os
import tempfile
from pathlib import Path

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
