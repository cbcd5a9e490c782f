"""Unpacks compressed files piece by piece, and refuses those that become larger out of all proportion."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from copy import copy
from io import BytesIO
from typing import IO, Any

from library.errors import RejectedImage

OPENERS: dict[str, Callable[[Any], Any]] = {
    "gz": lambda file: gzip.GzipFile(fileobj=file),
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "lzma": lzma.LZMAFile,
}
UNSUSPICIOUS = 64 << 20  # bytes that any archive may become
MOST_GROWTH = 200  # pictures are packed already, and the flattest drawings grow some hundredfold by themselves


def check_growth(packed: int, unpacked: int) -> None:
    """Raises RejectedImage for what has grown as only a trap does: a megabyte of zeros takes a few bytes."""
    if unpacked > UNSUSPICIOUS and unpacked > MOST_GROWTH * packed:
        raise RejectedImage("archive_grows", most=MOST_GROWTH)


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Returns the content of a file of a zip, never more than the listing tells.

    Raises RejectedImage for a trap, and what zipfile and the packings raise for damage.
    """
    check_growth(member.compress_size, member.file_size)
    if member.compress_type not in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with archive.open(member) as file:
            return file.read(member.file_size)
    with archive.open(_as_stored(member)) as packed:  # zipfile itself would unpack all of these at once
        data = _opened(packed, member).read(member.file_size)
    if zlib.crc32(data) != member.CRC:
        raise zipfile.BadZipFile(member.filename)
    return data


def _as_stored(member: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """Returns the member as one whose packed bytes are its content."""
    stored = copy(member)
    stored.compress_type, stored.file_size = zipfile.ZIP_STORED, member.compress_size
    del stored.CRC  # which is of the unpacked bytes
    return stored


def _opened(packed: IO[bytes], member: zipfile.ZipInfo) -> IO[bytes]:
    if member.compress_type == zipfile.ZIP_BZIP2:
        return bz2.BZ2File(packed)
    _, length = packed.read(2), int.from_bytes(packed.read(2), "little")
    properties = packed.read(length)
    # The older format of lzma has the same properties, and then the size.
    head = properties[:5] + member.file_size.to_bytes(8, "little")
    return lzma.LZMAFile(BytesIO(head + packed.read()), format=lzma.FORMAT_ALONE)


class Unpacked:
    """Reads a packed file from front to back, for tarfile; never holds more unpacked than is asked for."""

    def __init__(self, file: IO[bytes], kind: str) -> None:
        self._packed = file
        self._file = OPENERS[kind](file)
        self._read = 0

    def read(self, size: int) -> bytes:
        """Raises RejectedImage where the file grows too much."""
        data: bytes = self._file.read(size)
        self._read += len(data)
        check_growth(self._packed.tell(), self._read)
        return data

    def close(self) -> None:
        self._file.close()
        self._packed.close()
