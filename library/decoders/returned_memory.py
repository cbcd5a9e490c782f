"""Returns to the system the memory that a large picture has left in a process that decodes."""

import ctypes
import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

KEPT = 96 << 20  # bytes: an ordinary photo finds the memory of the one before it, and asks the system for none


def return_memory() -> None:
    """Returns free memory to the system where this process holds much; only glibc can be asked to."""
    if (trim := _trim()) and resident() > KEPT:
        trim(0)


def resident() -> int:
    """Returns the bytes of memory that this process holds; 0 where the system does not say so."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


@cache
def _trim() -> Any:
    with suppress(OSError):
        return getattr(ctypes.CDLL(None), "malloc_trim", None)
    return None
