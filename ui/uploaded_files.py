"""Reads the files that visitors have uploaded: a client can name any path, and only these are ever read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from library.errors import RejectedImage

MAX_FILE_MEGABYTES = 100


class UploadedFiles:
    """Reads files of one folder, and no others."""

    def __init__(self, folder: Path, may_read: Callable[[Path], bool] = lambda path: True) -> None:
        """`may_read` says whether the visitor who is being answered may have a file read."""
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

    def read(self, path: Any) -> bytes:
        """Returns the bytes of an upload. Raises RejectedImage for a path that no upload led to."""
        if uploaded := self.find(path):
            return uploaded.read_bytes()
        raise RejectedImage("upload_gone")
