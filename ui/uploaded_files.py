"""Reads the files that visitors have uploaded: a client can name any path, and only these are ever read."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from library.errors import InvalidQuery, RejectedImage
from library.running.budget import MOST_LOOKED_AT, looked_at
from library.search.request import PartRequest

MAX_FILE_MEGABYTES = 100


def room_for(size: int) -> AbstractContextManager[None]:
    """Holds room for the pictures of a search, by their bytes. Raises InvalidQuery for more than there ever is."""
    if size > MOST_LOOKED_AT:
        raise InvalidQuery("pictures_too_heavy", megabytes=MOST_LOOKED_AT >> 20)
    return looked_at(size)


class UploadedFiles:
    """Reads files of one folder, and no others."""

    def __init__(self, folder: Path, may_read: Callable[[Path], bool] = lambda path: True) -> None:
        """Reads files of `folder`; `may_read` returns whether the current visitor may have a file read."""
        self._folder = folder.resolve()
        self._may_read = may_read

    def find(self, path: Any) -> Path | None:
        """Returns the file at the path, if it is one that was uploaded."""
        try:
            resolved = Path(str(path)).resolve()
            is_uploaded = resolved.is_relative_to(self._folder) and resolved.is_file()
            return resolved if is_uploaded and self._may_read(resolved) else None
        except (OSError, ValueError):
            return None

    @contextmanager
    def held(self, parts: Iterable[PartRequest]) -> Iterator[None]:
        """Waits until there is room for the pictures of a search. Raises InvalidQuery for more than there ever is."""
        images = [part.image for part in parts if part.image]
        if not images:
            yield
            return
        files = filter(None, map(self.find, images))
        with room_for(sum(file.stat().st_size for file in files)):
            yield

    def read(self, path: Any) -> bytes:
        """Returns the bytes of an upload. Raises RejectedImage for a path that no upload led to."""
        if uploaded := self.find(path):
            return uploaded.read_bytes()
        raise RejectedImage("upload_gone")
