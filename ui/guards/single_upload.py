"""Checks, while the body of an upload arrives, that it holds one picture to search with and nothing else."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers
from starlette.types import Scope

from library.decoding.archive_kinds import HEAD, archive_kind
from library.decoding.formats import format_of
from library.decoding.other_files import other_kind
from library.errors import NotAllowed, RejectedImage

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


class SingleUpload:
    """Checks the pieces of an upload for a second file, and for what is no picture.

    A body that it cannot read is refused later, by what takes the upload.
    """

    def __init__(self, scope: Scope) -> None:
        kind, options = parse_options_header(Headers(scope=scope).get("content-type", ""))
        self._files = 0
        self._head = b""
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin_file,
            "on_part_data": self._see,
            "on_part_end": self._judge,
        }
        is_form = kind == b"multipart/form-data" and b"boundary" in options
        parser = MultipartParser(options[b"boundary"], callbacks) if is_form else None
        self._write: Callable[[bytes], object] = parser.write if parser else lambda piece: None

    def look_at(self, piece: bytes) -> None:
        """Raises NotAllowed for a second file, and RejectedImage for what its first bytes show to be no picture."""
        try:
            self._write(piece)
        except ValueError:  # a body that is no form
            self._write = lambda piece: None

    def _begin_file(self) -> None:
        self._files += 1
        if self._files > 1:
            raise NotAllowed("one_picture_at_once")

    def _see(self, data: bytes, start: int, end: int) -> None:
        if len(self._head) < HEAD:
            self._head += data[start : min(end, start + HEAD - len(self._head))]
            if len(self._head) == HEAD:
                self._judge()

    def _judge(self) -> None:
        if kind := archive_kind(self._head):
            raise RejectedImage("archive_not_picture", kind=kind)
        if self._head and not format_of(self._head) and (other := other_kind(self._head)):
            raise other
