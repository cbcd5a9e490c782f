"""Defines what a decoder offers to the library, and decodes in this process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from library.decoding.pixel_budget import PixelBudget, pixel_budget
from library.images import WORKING_SIDE, Grey, Picture, decode, grey, preview, thumbnail
from library.running.work import current


class Decoder(Protocol):
    """Turns the bytes of files into pictures and JPEGs. Every method but `close` raises RejectedImage."""

    def decode(self, data: bytes, short_side: int = WORKING_SIDE) -> Picture:
        """Returns the picture as `library.images.decode` does."""

    def with_thumbnail(self, data: bytes, short_side: int = WORKING_SIDE) -> tuple[Picture, bytes]:
        """Returns the picture and its thumbnail, decoded once."""

    def grey(self, data: bytes) -> Grey:
        """Returns the whole picture in grey, however large it is."""

    def thumbnail(self, data: bytes) -> bytes:
        """Returns the thumbnail alone."""

    def preview(self, data: bytes) -> bytes:
        """Returns a JPEG of at most 1600 px without metadata."""

    def close(self) -> None:
        """Ends its processes; they start again when they are needed."""


class DirectDecoder:
    """Decodes in this process, within the pixels that all of its pictures share."""

    def __init__(self, within: PixelBudget | None = None) -> None:
        self._budget = within or pixel_budget()

    def decode(self, data: bytes, short_side: int = WORKING_SIDE) -> Picture:
        with _timed():
            return decode(data, short_side, self._budget)

    def with_thumbnail(self, data: bytes, short_side: int = WORKING_SIDE) -> tuple[Picture, bytes]:
        picture = self.decode(data, short_side)
        return picture, thumbnail(picture)

    def grey(self, data: bytes) -> Grey:
        with _timed():
            return grey(data, self._budget)

    def thumbnail(self, data: bytes) -> bytes:
        return thumbnail(self.decode(data))

    def preview(self, data: bytes) -> bytes:
        with _timed():
            return preview(data, self._budget)

    def close(self) -> None:
        pass


@contextmanager
def _timed() -> Iterator[None]:
    begun = time.thread_time()
    try:
        yield
    finally:
        current().spent(time.thread_time() - begun)
