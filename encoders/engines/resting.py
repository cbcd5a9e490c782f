"""Takes weights out of memory that nothing computes with for now; their file brings them back when something does."""

import mmap
import re
from collections.abc import Iterator
from contextlib import suppress
from ctypes import CDLL, c_int, c_size_t, c_void_p
from pathlib import Path
from typing import Any

from library.decoders.returned_memory import return_memory

MAPPINGS = Path("/proc/self/smaps")
HEAD = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ [1-9]\d* +/", re.MULTILINE)  # of a mapping of a file
WRITTEN = re.compile(r"^(?:Anonymous|Swap): +[1-9]", re.MULTILINE)  # pages that are no longer the file's


def rest(model: Any) -> None:
    """Lets the memory go that holds a model's weights as they are mapped from their file, and what is free beside it.

    The next use of a weight reads its page again. Where something was written to a mapping, and where weights come from
    no file, such as those in another precision, all stays as it is.
    """
    with suppress(OSError, AttributeError):
        advise = CDLL(None).madvise
        for start, end in _mappings({weight.data_ptr() for weight in model.parameters()}):
            advise(c_void_p(start), c_size_t(end - start), c_int(mmap.MADV_DONTNEED))
    return_memory()


def _mappings(addresses: set[int]) -> Iterator[tuple[int, int]]:
    """Yields where the mappings begin and end that hold one of the addresses and are as their files are."""
    told = MAPPINGS.read_text(encoding="utf-8", errors="replace")
    for found in HEAD.finditer(told):
        start, end = int(found[1], 16), int(found[2], 16)
        rest_of = told[found.end() : told.find("VmFlags", found.end())]
        if any(start <= address < end for address in addresses) and not WRITTEN.search(rest_of):
            yield start, end
