"""Unpacks gzip, bzip2, xz and lzma in small steps: Python's own readers go through empty streams without end."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import IO, Any, Protocol

PACKED_PIECE = 1 << 14  # bytes, of which each stream copies what is behind it
MOST_EMPTY = 1000  # streams in a row: whoever packs in parts has something in each


class Decompressor(Protocol):
    """Unpacks one stream."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Gunzip:
    """Unpacks one stream of gzip, as bz2 and lzma unpack theirs. Raises zlib.error, also for a wrong checksum."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._inflate.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)


MAKERS: dict[str, Callable[[], Any]] = {
    "gz": Gunzip,
    "bz2": bz2.BZ2Decompressor,
    "xz": lzma.LZMADecompressor,
    "lzma": lzma.LZMADecompressor,
}


class Streams:
    """Reads what one stream or several, one behind the other, hold; `step` surrounds each step of the unpacking."""

    def __init__(
        self,
        file: IO[bytes],
        make: Callable[[], Decompressor],
        step: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._file = file
        self._make = make
        self._step = step
        self._stream = make()
        self._packed = b""
        self._is_further = False  # whether the stream may turn out to be none, but something behind the last
        self._is_over = False
        self._empty = 0

    def read(self, size: int) -> bytes:
        """Returns at most `size` bytes; none at the end. Raises EOFError where that comes amid a stream."""
        data = b""
        while not (data or self._is_over):
            with self._step():
                if self._stream.eof and not self._begin_next():
                    break
                try:
                    data = self._next_bytes(size)
                except (OSError, lzma.LZMAError):  # not of gzip, which has something behind it for damage
                    if not self._is_further:
                        raise
                    self._is_over = True
                    break
                self._is_further = False
                self._empty = 0 if data else self._empty
        return data

    def _next_bytes(self, size: int) -> bytes:
        packed, self._packed = self._packed, b""
        at_end = False
        if not packed and self._stream.needs_input:
            packed = self._file.read(PACKED_PIECE)
            at_end = not packed
        data = self._stream.decompress(packed, size)
        if at_end and not data and not self._stream.eof:
            raise EOFError
        return data

    def _begin_next(self) -> bool:
        """Returns whether anything but zeros follows the stream. Raises EOFError for too many empty ones."""
        rest = self._stream.unused_data.lstrip(b"\0")
        while not rest and (piece := self._file.read(PACKED_PIECE)):
            rest = piece.lstrip(b"\0")
        self._empty += 1
        if rest and self._empty > MOST_EMPTY:
            raise EOFError
        self._is_over = not rest
        if rest:
            self._packed, self._stream, self._is_further = rest, self._make(), True
        return not self._is_over
