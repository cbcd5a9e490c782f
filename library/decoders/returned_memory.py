"""Returns to the system the memory that pictures have left in a process that decodes."""

import ctypes
from contextlib import suppress


def return_memory() -> None:
    """Returns free memory to the system, which only glibc can be asked for."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
