"""Lists the files of a zip archive whose own list, which is written last, is missing: by the heads before them."""

import struct
import zlib
from collections.abc import Iterator
from io import SEEK_CUR, SEEK_END, SEEK_SET, BytesIO
from typing import IO, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED

from db.sources.archives.unpacking import PIECE, Allowance, check_members
from library.running.work import check_stop

HEAD = struct.Struct("<4s5H3L2H")
ENTRY = struct.Struct("<4s6H3L5H2L")
END_64, PLACE_64, END = struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL"), struct.Struct("<4s4H2LH")
VERSION, IN_64_BITS, MARK_16, MARK_32 = 45, 1, 0xFFFF, 0xFFFFFFFF
SIZES_FOLLOW = 0x8  # a flag: the head was written before they were known
BEHIND = b"PK\7\x08"  # what may stand before the sizes that follow
LENGTHS = (16, 24, 12, 20)  # of the sizes that follow, with and without that, of 32 and of 64 bits
SEARCHED_AT_ONCE = 1 << 16


class _Sizes(NamedTuple):
    packed: int
    unpacked: int
    crc: int


class _Found(NamedTuple):
    """Describes a file that is whole; `end` is where the next one begins."""

    at: int
    made: tuple[int, ...]  # its flags, packing, time and date
    sizes: _Sizes
    name: bytes
    extra: bytes
    end: int

    def entry(self) -> bytes:
        """Returns its line in a list of files."""
        large = struct.pack("<HHQQQ", IN_64_BITS, 24, self.sizes.unpacked, self.sizes.packed, self.at)
        extra = large + b"".join(
            struct.pack("<HH", kind, len(each)) + each for kind, each in fields_of(self.extra) if kind != IN_64_BITS
        )
        counts = (len(self.name), len(extra), 0, 0, 0)
        sizes = (self.sizes.crc, MARK_32, MARK_32)
        head = ENTRY.pack(b"PK\1\2", VERSION, VERSION, *self.made, *sizes, *counts, 0, MARK_32)
        return head + self.name + extra


def with_new_list(file: IO[bytes], allowance: Allowance) -> "Joined":
    """Returns the archive with a list of the files that are whole, as far as one follows the other. Raises
    RejectedImage for too many of them, or where measuring them takes too much."""
    size = file.seek(0, SEEK_END)
    entries = []
    for found in _whole_files(file, size, allowance):
        entries.append(found.entry())
        check_members(len(entries), allowance.most_members)
    listing = b"".join(entries)
    count = len(entries)
    end = END_64.pack(b"PK\6\6", END_64.size - 12, VERSION, VERSION, 0, 0, count, count, len(listing), size)
    end += PLACE_64.pack(b"PK\6\7", 0, size + len(listing), 1)
    end += END.pack(b"PK\5\6", 0, 0, MARK_16, MARK_16, MARK_32, MARK_32, 0)
    return Joined(file, size, listing + end)


class Joined:
    """Reads a file and, as if it were its end, some bytes."""

    def __init__(self, file: IO[bytes], size: int, end: bytes) -> None:
        self._file = file
        self._size = size
        self._end = BytesIO(end)
        self._length = size + len(end)
        self._at = 0

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        self._at = max(0, offset + {SEEK_SET: 0, SEEK_CUR: self._at, SEEK_END: self._length}[whence])
        return self._at

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        wanted = max(0, self._length - self._at) if size < 0 else size
        data = b""
        if self._at < self._size:
            self._file.seek(self._at)
            data = self._file.read(min(wanted, self._size - self._at))
        if self._at + len(data) >= self._size and len(data) < wanted:
            self._end.seek(self._at + len(data) - self._size)
            data += self._end.read(wanted - len(data))
        self._at += len(data)
        return data

    def close(self) -> None:
        self._file.close()


def _whole_files(file: IO[bytes], size: int, allowance: Allowance) -> Iterator[_Found]:
    at = 0
    while found := _file_at(file, at, size, allowance):
        yield found
        check_stop()
        at = found.end


def _file_at(file: IO[bytes], at: int, size: int, allowance: Allowance) -> _Found | None:
    """Returns the file whose head stands there; None where there is none, or where it is not whole."""
    file.seek(at)
    head = file.read(HEAD.size)
    if len(head) < HEAD.size or not head.startswith(b"PK\3\4"):
        return None
    _, _, flags, method, *moment, crc, packed, unpacked, length, more = HEAD.unpack(head)
    name, extra = file.read(length), file.read(more)
    start = at + HEAD.size + length + more
    sizes: _Sizes | None = _Sizes(packed, unpacked, crc)
    if MARK_32 in (packed, unpacked):
        sizes = _large_sizes(extra, crc)
    if flags & SIZES_FOLLOW and not (sizes and sizes.packed):
        sizes = _measured(file, start, method, allowance)
    if not sizes or start + sizes.packed > size:
        return None
    end = start + sizes.packed
    return _Found(at, (flags, method, *moment), sizes, name, extra, _behind_sizes(file, end) if flags & 8 else end)


def _large_sizes(extra: bytes, crc: int) -> _Sizes | None:
    data = next((each for kind, each in fields_of(extra) if kind == IN_64_BITS), b"")
    if len(data) < 16:
        return None
    unpacked, packed = struct.unpack_from("<QQ", data)
    return _Sizes(packed, unpacked, crc)


def _measured(file: IO[bytes], start: int, method: int, allowance: Allowance) -> _Sizes | None:
    """Returns the sizes of a file that its head does not tell; None where it has no end, or its packing tells none."""
    file.seek(start)
    if method == ZIP_DEFLATED:
        return _unpacked_to_its_end(file, allowance)
    return _before_its_sizes(file) if method == ZIP_STORED else None


def _unpacked_to_its_end(file: IO[bytes], allowance: Allowance) -> _Sizes | None:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    taken = unpacked = crc = 0
    while not stream.eof:
        piece = stream.unconsumed_tail
        if not piece:
            piece = file.read(SEARCHED_AT_ONCE)
            taken += len(piece)
            allowance.spend(len(piece), 0)
        if not piece:
            return None
        with allowance.timed():
            try:
                data = stream.decompress(piece, PIECE)
            except zlib.error:
                return None
            crc = zlib.crc32(data, crc)
        unpacked += len(data)
        allowance.spend(0, len(data))
    return _Sizes(taken - len(stream.unused_data), unpacked, crc)


def _before_its_sizes(file: IO[bytes]) -> _Sizes | None:
    """Looks for the sizes behind a file that is not packed: they say how long it is."""
    before, data = 0, file.read(SEARCHED_AT_ONCE)
    while data:
        at = data.find(BEHIND)
        while 0 <= at <= len(data) - LENGTHS[0]:
            crc, packed = struct.unpack_from("<LL", data, at + len(BEHIND))
            if packed == before + at:
                return _Sizes(packed, packed, crc)
            at = data.find(BEHIND, at + 1)
        further = file.read(SEARCHED_AT_ONCE)
        kept = data[1 - LENGTHS[0] :] if further else b""
        before += len(data) - len(kept)
        data = kept + further if further else b""
    return None


def _behind_sizes(file: IO[bytes], end: int) -> int:
    """Returns where the next file begins, behind the sizes that follow this one."""
    file.seek(end)
    behind = file.read(max(LENGTHS) + 2)
    lengths = LENGTHS[:2] if behind.startswith(BEHIND) else LENGTHS[2:]
    return end + next((each for each in lengths if behind[each : each + 2] == b"PK"), lengths[0])


def fields_of(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields the kinds and the contents of the extra fields of a file."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if 4 + size > len(extra):
            return
        yield kind, extra[4 : 4 + size]
        extra = extra[4 + size :]
