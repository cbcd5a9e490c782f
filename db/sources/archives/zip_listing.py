"""Lists what a zip archive holds, under names as they were meant."""

import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import IO, Any, cast

from db.sources.archives.names import Decoded, Told, decoder_of
from db.sources.archives.unpacking import MOST_MEMBERS, Allowance, check_members
from db.sources.archives.zip_rescue import fields_of, with_new_list
from library.errors import RejectedImage

NAMES_ARE_UTF8 = 0x800
SHORTEST_ENTRY, LONG_ENTRY = 46, 400  # bytes that a file takes in the listing
UNICODE_PATH = 0x7075  # Info-ZIP's extra field with the name in UTF-8
FILE, FILE_BYTES = b"PK\x03\x04", 30  # what stands before each file
ENTRY, ENTRY_BYTES = b"PK\x01\x02", 46  # and in the listing at the end
END, LONGEST_END = b"PK\x05\x06", (1 << 16) + 22  # what stands behind the listing, with a comment
END_64 = b"PK\x06\x06"
FIRST_VOLUME = (b"\0\0", b"\xff\xff", b"")  # the second of zip64, whose volumes `zipfile` looks at itself


def opened(file: IO[bytes], most: int = MOST_MEMBERS) -> zipfile.ZipFile:
    """Opens a zip archive, also one whose flags call names UTF-8 that are not.

    Raises what `zipfile` raises, and RejectedImage for a listing longer than `most` files take.
    """
    begins_with_file = file.read(len(FILE)) == FILE
    _check_end(file, most)
    archive = _read_by_zipfile(file)
    if begins_with_file and min((each.header_offset for each in archive.infolist()), default=1) > 0:
        raise zipfile.BadZipFile("its list of files is missing")  # that of an archive within it was found
    return archive


def opened_without_list(file: IO[bytes], allowance: Allowance) -> zipfile.ZipFile:
    """Opens a zip archive that was cut short, with a list of the files that precede the cut.

    Raises RejectedImage for one of too many files, or that takes too much to be gone through.
    """
    return _read_by_zipfile(cast(IO[bytes], with_new_list(file, allowance)))


def _read_by_zipfile(file: IO[bytes]) -> zipfile.ZipFile:
    file.seek(0)
    try:
        return zipfile.ZipFile(file)
    except UnicodeDecodeError:
        return zipfile.ZipFile(_WithoutFlags(file))


def _check_end(file: IO[bytes], most: int) -> None:
    """Raises RejectedImage for the last volume of several, and for a listing that is too long to be read."""
    file.seek(max(0, file.seek(0, 2) - LONGEST_END))
    before, end, behind = file.read().rpartition(END)
    if end and behind[:2] not in FIRST_VOLUME:
        raise RejectedImage("archive_in_volumes")
    if end and len(behind) >= 12:
        count, size = int.from_bytes(behind[6:8], "little"), int.from_bytes(behind[8:12], "little")
        if 0xFFFF in (count, size & 0xFFFF) and (found := before.rpartition(END_64)[2])[43:]:
            count, size = int.from_bytes(found[28:36], "little"), int.from_bytes(found[36:44], "little")
        longest = min(SHORTEST_ENTRY * MOST_MEMBERS, LONG_ENTRY * most)
        if min(size, file.tell()) > longest:
            check_members(count, most)
            raise RejectedImage("archive_listing", megabytes=_megabytes(size), most=_megabytes(longest))


def _megabytes(size: int) -> float:
    return round(size / 1_000_000, 1)


def names_of(members: Sequence[zipfile.ZipInfo], encoding: Told = "") -> list[Decoded]:
    """Returns the names of members: by their flag or their Unicode field, else in the encoding that is named, or that
    all of them show.

    Slashes stand between folders, as the format has it and some programs of Windows do not.
    """
    raw = [_bytes_of(member) for member in members]
    decode = decoder_of([each for each in raw if isinstance(each, bytes)], encoding)
    names = (Decoded(each) if isinstance(each, str) else decode(each) for each in raw)
    return [Decoded(each.name.partition("\0")[0].replace("\\", "/"), each.encoding) for each in names]


def _bytes_of(member: zipfile.ZipInfo) -> str | bytes:
    """Returns the name as text where the archive says how it is meant, else as bytes."""
    if member.flag_bits & NAMES_ARE_UTF8:
        return member.orig_filename
    raw = member.orig_filename.encode("cp437")  # which `zipfile` takes for the encoding of what has no flag
    return _unicode_path(member.extra, raw) or raw


def _unicode_path(extra: bytes, raw: bytes) -> str:
    """Returns the name in UTF-8 that an extra field holds of just this name; an empty text without one."""
    for kind, data in fields_of(extra):
        if kind == UNICODE_PATH and data[:1] == b"\1" and data[1:5] == zlib.crc32(raw).to_bytes(4, "little"):
            return data[5:].decode("utf-8", "ignore")
    return ""


class _WithoutFlags:
    """Reads an archive as if none of its names were said to be UTF-8."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        is_head = data.startswith(FILE) and len(data) == FILE_BYTES
        return _unflagged(data) if is_head or data.startswith(ENTRY) else data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _unflagged(heads: bytes) -> bytes:
    """Returns the head of one file, or the listing of all, without the flag."""
    repaired, at = bytearray(heads), 0
    if heads.startswith(FILE):
        repaired[7] &= ~(NAMES_ARE_UTF8 >> 8)
    while heads.startswith(ENTRY, at) and at + ENTRY_BYTES <= len(heads):
        repaired[at + 9] &= ~(NAMES_ARE_UTF8 >> 8)
        at += ENTRY_BYTES + sum(struct.unpack_from("<HHH", heads, at + 28))  # the name, extra fields and a comment
    return bytes(repaired)
