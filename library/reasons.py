"""Reads what the operating system or another package says of a failure, as a reason within a sentence."""

import errno
import os
import re

MOST = 200  # characters
NUMBER = re.compile(r"\[Errno -?\d+\] ")
NUMBERS = {FileNotFoundError: errno.ENOENT, PermissionError: errno.EACCES, TimeoutError: errno.ETIMEDOUT}


def reason_of(error: BaseException) -> str:
    """Returns the reason in one line, without the number and the file that Python adds, and without a full stop."""
    said = getattr(error, "strerror", None) or NUMBER.sub("", str(error).strip(), 1) or _of_kind(error)
    return str(said).splitlines()[0][:MOST].rstrip(". ")


def _of_kind(error: BaseException) -> str:
    """Returns what the system says of an error that says nothing itself."""
    numbers = (number for kind, number in NUMBERS.items() if isinstance(error, kind))
    return next(map(os.strerror, numbers), type(error).__name__)
