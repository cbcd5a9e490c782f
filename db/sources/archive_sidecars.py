"""Finds the sidecars in an archive: those of each folder by the path of the folder."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from db.sources.sidecars import MAX_BYTES, Sidecars, check_sidecar, may_be_sidecar

MAX_OF_ALL = 512 << 20  # bytes of the sidecars of one archive, which may be kept in memory

Member = tuple[str, int, Callable[[], bytes]]  # name, size, and how to read it
Folders = Mapping[str, Sidecars]


def sidecars_of(members: Iterable[Member]) -> Folders:
    """Returns the sidecars among the files of an archive; of what is no sidecar, only the names are kept."""
    folders: dict[str, dict[str, Callable[[], bytes]]] = {}
    left = MAX_OF_ALL
    for path, size, read in members:
        folder, _, name = path.rpartition("/")
        is_read = may_be_sidecar(name) and size <= min(MAX_BYTES, left)
        left -= size if is_read else 0
        folders.setdefault(folder, {})[name] = read if is_read else partial(_refuse, size)
    return {folder: Sidecars(files, partial(_read, files)) for folder, files in folders.items()}


def _read(files: Mapping[str, Callable[[], bytes]], name: str) -> bytes:
    return files[name]()


def _refuse(size: int) -> bytes:
    check_sidecar(max(size, MAX_BYTES + 1))
    return b""
