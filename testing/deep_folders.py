"""Makes folders nested deeper than the limit of Python on recursive calls."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def folders_in_each_other(place: Path, name: str, depth: int) -> Iterator[None]:
    """Makes nested folders and works in the innermost, then removes them: pytest cannot remove folders that deep."""
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
