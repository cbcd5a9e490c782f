"""Tells a full disk, where making room helps, from what else can go wrong with files."""

import errno
import os

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no space, no quota, and files that may not get as large


def is_full(error: BaseException) -> bool:
    """Tells whether a disk took no more, by the number of the error, or by its words where a package gives no more."""
    if isinstance(error, OSError) and error.errno:
        return error.errno in FULL
    text = str(error)
    return any(os.strerror(number) in text for number in FULL)
