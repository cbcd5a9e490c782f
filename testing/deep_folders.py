"""Makes folders that lie deeper in each other than Python functions may call each other."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def folders_in_each_other(place: Path, name: str, depth: int) -> Iterator[None]:
    """Stands in the innermost of them; takes them away again, too deep for what tidies up after tests."""
    here = os.getcwd()
    os.chdir(place)
    for _ in range(depth):
        os.mkdir(name)
        os.chdir(name)
    try:
        yield
    finally:
        for each in os.listdir():
            os.unlink(each)
        for _ in range(depth):
            os.chdir("..")
            os.rmdir(name)
        os.chdir(here)
