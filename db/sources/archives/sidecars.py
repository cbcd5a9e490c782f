"""Finds the sidecars in an archive: those of each folder by the path of the folder."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from db.sources.archives.names import clean_member
from db.sources.sidecars.folder import MAX_BYTES, Sidecars, check_sidecar, may_be_sidecar
from library.messages import Message

MAX_OF_ALL = 512 << 20  # bytes of the sidecars of one archive, which may be kept in memory

Folders = Mapping[str, Sidecars]


@dataclass(frozen=True)
class Member:
    """Names a file of an archive and tells how to read it; `skip` says that it is no file of its own."""

    name: str
    size: int
    read: Callable[[], bytes]
    skip: Message | None = None
    encoding: str = ""  # of the name, where that had to be found out


def sidecars_of(members: Iterable[Member]) -> Folders:
    """Returns the sidecars among the files of an archive; of what is no sidecar, only the names are kept."""
    folders: dict[str, dict[str, Callable[[], bytes]]] = {}
    left = MAX_OF_ALL
    for member in members:
        folder, _, name = clean_member(member.name).rpartition("/")
        is_read = may_be_sidecar(name) and member.size <= min(MAX_BYTES, left)
        left -= member.size if is_read else 0
        folders.setdefault(folder, {})[name] = member.read if is_read else partial(_refuse, member.size)
    return {folder: Sidecars(files, partial(_read, files)) for folder, files in folders.items()}


def _read(files: Mapping[str, Callable[[], bytes]], name: str) -> bytes:
    return files[name]()


def _refuse(size: int) -> bytes:
    check_sidecar(max(size, MAX_BYTES + 1))
    return b""
