"""Unpacks compressed files piece by piece, asks between two whether to stop, and refuses malicious archives."""

import lzma
import threading
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from functools import partial
from io import BytesIO
from typing import IO, Any

from db.sources.archives.streams import MAKERS, Streams
from library.errors import RejectedImage
from library.running.work import check_stop, current

PIECE = 1 << 20  # bytes
MOST_AT_ONCE = 256 << 20  # bytes, of which what is never written takes no memory
UNSUSPICIOUS = 64 << 20  # bytes that any archive may become
MOST_GROWTH = 200  # pictures are packed already, and the flattest drawings grow some hundredfold by themselves
MOST_MEMBERS = 1_000_000  # listed, they take some 600 MB
UNSUSPICIOUS_SECONDS = 60.0  # of a processor, that any archive may take
MOST_REFUSED = 100  # files after which nothing good is expected of an archive
SLOWEST = 1 << 20  # packed bytes a second; the slowest packing, bzip2, does some ten times as many


class Allowance:
    """Counts the files, bytes and seconds of one archive against its limits. Safe to call from several threads."""

    def __init__(self, most_members: int = MOST_MEMBERS) -> None:
        self.most_members = most_members
        self._counting = threading.Lock()
        self._members = 0
        self._packed = 0
        self._unpacked = 0
        self._seconds = 0.0
        self._refused = 0
        self._since = threading.local()

    def count_member(self) -> None:
        """Raises RejectedImage for an archive of more files than can be listed."""
        with self._counting:
            self._members += 1
        check_members(self._members, self.most_members)

    def spend(self, packed: int, unpacked: int) -> None:
        """Raises RejectedImage once all that was read has grown too much."""
        with self._counting:
            self._packed += packed
            self._unpacked += unpacked
        try:
            check_growth(self._packed, self._unpacked)
        except RejectedImage:
            self._refused += 1
            raise

    def check_refused(self) -> None:
        """Raises RejectedImage once many files of the archive were refused since it grows too much."""
        if self._refused > MOST_REFUSED:
            raise RejectedImage("archive_grows", most=MOST_GROWTH)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Counts the processor's time: a slow disk is no fault of an archive. Raises RejectedImage or Interrupted.

        Within another block it counts, too, what that one has taken so far: neither has to end for the limit to hold.
        """
        check_stop()
        is_within = self._count_seconds() is not None
        self._since.at = time.thread_time()
        try:
            yield
            self._count_seconds()
        finally:
            self._since.at = time.thread_time() if is_within else None

    def _count_seconds(self) -> float | None:
        """Counts the seconds since the last look; returns them, or None outside of all blocks."""
        since: float | None = getattr(self._since, "at", None)
        if since is None:
            return None
        seconds = time.thread_time() - since
        current().spent(seconds)
        with self._counting:
            self._seconds += seconds
        if self._seconds > UNSUSPICIOUS_SECONDS + self._packed / SLOWEST:
            raise RejectedImage("archive_slow")
        return seconds


def check_growth(packed: int, unpacked: int) -> None:
    """Raises RejectedImage for what has grown as only a malicious archive does."""
    if unpacked > UNSUSPICIOUS and unpacked > MOST_GROWTH * packed:
        raise RejectedImage("archive_grows", most=MOST_GROWTH)


def check_members(count: int, most: int = MOST_MEMBERS) -> None:
    """Raises RejectedImage for more files than are listed."""
    if count > most:
        raise RejectedImage("archive_members", most=most)


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, allowance: Allowance | None = None) -> bytes:
    """Returns the content of a file of a zip, never more than the listing tells.

    Raises RejectedImage for a decompression bomb, Interrupted, and what zipfile and the packings raise for damage.
    """
    allowance = allowance or Allowance()
    check_growth(member.compress_size, member.file_size)
    allowance.spend(member.compress_size, 0)
    if member.compress_type not in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with archive.open(member) as file:
            return _in_pieces(file, member.file_size, allowance)
    with archive.open(_as_stored(member)) as packed:  # zipfile itself would unpack all of these at once
        data = _in_pieces(_opened(packed, member, allowance), member.file_size, allowance)
    if zlib.crc32(data) != member.CRC:
        raise zipfile.BadZipFile(member.filename)
    return data


def _in_pieces(file: Any, size: int, allowance: Allowance) -> bytes:
    read = BytesIO(bytes(min(size, MOST_AT_ONCE)))  # to grow takes the memory twice
    while read.tell() < size:
        piece = _read(file, min(PIECE, size - read.tell()), allowance)
        allowance.spend(0, len(piece))
        if not piece:
            break
        read.write(piece)
    read.truncate()
    return read.getvalue()


def _read(file: Any, size: int, allowance: Allowance) -> bytes:
    if isinstance(file, Streams):  # which counts the time of each of its steps
        return file.read(size)
    with allowance.timed():
        return bytes(file.read(size))


def _as_stored(member: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """Returns the member as one whose packed bytes are its content."""
    stored = copy(member)
    stored.compress_type, stored.file_size = zipfile.ZIP_STORED, member.compress_size
    del stored.CRC  # which is of the unpacked bytes
    return stored


def _opened(packed: IO[bytes], member: zipfile.ZipInfo, allowance: Allowance) -> Streams:
    if member.compress_type == zipfile.ZIP_BZIP2:
        return Streams(packed, MAKERS["bz2"], allowance.timed)
    _, length = packed.read(2), int.from_bytes(packed.read(2), "little")
    properties = packed.read(length)
    # The older format of lzma has the same properties, and then the size.
    head = properties[:5] + member.file_size.to_bytes(8, "little")
    make = partial(lzma.LZMADecompressor, lzma.FORMAT_ALONE)
    return Streams(BytesIO(head + packed.read()), make, allowance.timed)


class Unpacked:
    """Reads a tar, packed or not, from front to back, for tarfile; never holds more unpacked than is asked for."""

    def __init__(self, file: IO[bytes], kind: str, allowance: Allowance) -> None:
        self._packed = file
        self._file = Streams(file, MAKERS[kind], allowance.timed) if kind in MAKERS else file
        self._allowance = allowance
        self._at = 0
        self._is_over = False

    def read(self, size: int) -> bytes:
        """Raises EOFError behind the end, which tarfile would read on as far as a header says that there is something.

        Raises RejectedImage where the file grows too much or takes too long, Interrupted where it is to stop.
        """
        data = _read(self._file, size, self._allowance)
        before, self._at = self._at, self._packed.tell()
        self._allowance.spend(self._at - before, len(data))
        if self._is_over and not data:
            raise EOFError
        self._is_over = not data
        return data

    def close(self) -> None:
        self._packed.close()
