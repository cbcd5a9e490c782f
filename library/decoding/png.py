"""Repairs PNG files whose chunks are damaged, or so long that Pillow refuses them."""

import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

START = b"\x89PNG\r\n\x1a\n"
TEXTS = (b"iTXt", b"tEXt", b"zTXt")
PROFILE = b"iCCP"
NAME = re.compile(rb"\w{4}")  # of a chunk, for Pillow
LONGEST_TEXT, LONGEST_PROFILE = 1 << 19, 1 << 20  # bytes; more, and Pillow gives up
MOST_TEXT = 1 << 24  # bytes of all texts, once they are unpacked; Pillow gives up at four times as many
MOST_CHUNKS = 1 << 18  # Pillow takes two seconds for them; 256 MB of data in parts of 1 kB have as many
MOST_PROFILES = 16  # of a megabyte, each of which Pillow unpacks, though one alone is allowed
SIZE_OF_HEADER, AT_ONCE = 2, 1 << 24  # bytes, of packed data and of what they unpack to


class Chunk(NamedTuple):
    """Holds one part of the file; one that is cut short or damaged is not whole."""

    kind: bytes
    content: bytes
    is_whole: bool
    is_cut: bool = False
    checksum: bytes = b""

    @property
    def may_be_left_out(self) -> bool:
        """Returns whether a reader may do without it, which a small first letter says."""
        return bool(self.kind[0] & 0x20)


class Sums(NamedTuple):
    """Holds what stands behind the packed data, their sum first, and the sum that they have."""

    stated: bytes
    right: bytes


class Repaired(NamedTuple):
    """Holds a PNG that can be read, and what was damaged in the one that it was made from."""

    data: bytes
    was_damaged: bool
    is_damaged_within: bool
    had_wrong_sum: bool


def repaired(data: bytes) -> Repaired:
    """Returns the PNG without what is damaged or longer than a description needs to be, and its data as far as they
    can be trusted."""
    found = list(_chunks(data))
    chunks = _with_right_sum(found)
    kept = [each for each in _with_little_text(chunks) if each.kind != b"IEND" and not _is_left_out(each)]
    is_whole = _is_whole_stream([each for each in chunks if each.kind == b"IDAT"])
    if not is_whole:
        kept = list(_until_damage(kept))
    has_damaged = not is_whole and any(each.kind == b"IDAT" and not (each.is_whole or each.is_cut) for each in kept)
    if has_damaged:
        kept = _summed(kept)
    written = b"".join(_written(each.kind, each.content) for each in kept)
    was_damaged = not all(each.is_whole for each in chunks)
    return Repaired(START + written + _written(b"IEND", b""), was_damaged, has_damaged, chunks != found)


def has_endless_chunks(data: bytes) -> bool:
    """Returns whether it has more chunks, or more profiles, than any program writes, up to where Pillow gives up."""
    at, profiles = len(START), 0
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(data):
            return False
        length, kind = struct.unpack_from(">I4s", data, at)
        profiles += kind == PROFILE
        if kind == b"IEND" or not NAME.fullmatch(kind):
            return False
        if profiles > MOST_PROFILES:
            return True
        at += 12 + length
    return True


def has_wrong_data(data: bytes) -> bool:
    """Returns whether the sum of a chunk of data contradicts it, which Pillow does not look at."""
    at, view = len(START), memoryview(data)
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(data):
            return False
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 8 + length
        if kind == b"IEND" or end + 4 > len(data):
            return False
        if kind == b"IDAT" and zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            return True
        at = end + 4
    return False


def bit_depth(data: bytes) -> int:
    """Returns the bits of each sample, as the header tells them."""
    return data[24] if len(data) > 24 else 0


def found(data: bytes, kind: bytes) -> bytes | None:
    """Returns the content of the first such chunk that stands before the pixels."""
    at = len(START)
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if name == kind:
            return data[at + 8 : at + 8 + length]
        if name == b"IDAT":
            return None
        at += 12 + length
    return None


def _chunks(data: bytes) -> Iterator[Chunk]:
    at = len(START)
    for _ in range(MOST_CHUNKS):  # more are zeros that a disk has put in the place of what it lost
        if at + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        checksum = data[at + 8 + length : at + 12 + length]
        is_whole = checksum == struct.pack(">I", zlib.crc32(kind + content))
        yield Chunk(kind, content, is_whole, at + 12 + length > len(data), checksum)
        at += 12 + length
        if kind == b"IEND":
            return


def _is_left_out(chunk: Chunk) -> bool:
    if not chunk.may_be_left_out:
        return False
    return not chunk.is_whole or (chunk.kind == PROFILE and _size(chunk, LONGEST_PROFILE) >= LONGEST_PROFILE)


def _with_little_text(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Yields the chunks, of texts only the first that are not too much together, and none that is too long alone."""
    left = MOST_TEXT
    for chunk in chunks:
        if chunk.kind not in TEXTS:
            yield chunk
        elif left >= 0:
            size = _size(chunk, LONGEST_TEXT)
            left -= size
            if left >= 0 and size < LONGEST_TEXT:
                yield chunk


def _size(chunk: Chunk, most: int) -> int:
    """Returns the bytes of a text or profile once it is unpacked, which is done up to the most."""
    packed = chunk.content.partition(b"\0")[2][1:]
    if chunk.kind == b"iTXt":
        packed = packed[1:].partition(b"\0")[2].partition(b"\0")[2]
    try:
        return max(len(chunk.content), len(zlib.decompressobj().decompress(packed, most)))
    except zlib.error:  # not packed, or damaged, which is told elsewhere
        return len(chunk.content)


def _is_whole_stream(parts: list[Chunk]) -> bool:
    """Returns whether the data unpack to their end and to their own checksum, so that those of the chunks matter
    not."""
    if all(part.is_whole for part in parts):
        return True
    stream = zlib.decompressobj()
    try:
        for part in parts:
            stream.decompress(part.content)
    except zlib.error:
        return False
    return stream.eof


def _with_right_sum(chunks: list[Chunk]) -> list[Chunk]:
    """Returns the chunks, the last of the data with the sum that these have, where nothing else of them is damaged: it
    has its own checksum then."""
    parts = [each for each in chunks if each.kind == b"IDAT"]
    if not parts or not all(each.is_whole for each in parts[:-1]):
        return chunks
    last, found = parts[-1], _sums_of(parts)
    if not found or found.stated[:4] == found.right or not 4 <= len(found.stated) <= len(last.content):
        return chunks
    content = last.content[: -len(found.stated)] + found.right + found.stated[4:]
    if not last.is_whole and _written(last.kind, content)[-4:] != last.checksum:
        return chunks
    return [each._replace(content=content, is_whole=True) if each is last else each for each in chunks]


def _summed(chunks: list[Chunk]) -> list[Chunk]:
    """Returns the chunks with the sum that their data have, so that no row of them is lost for it."""
    last = chunks[-1]
    found = _sums_of([each for each in chunks if each.kind == b"IDAT"])
    if not found or last.kind != b"IDAT" or len(found.stated) > len(last.content):
        return chunks
    content = last.content[: len(last.content) - len(found.stated)] + found.right
    return [*chunks[:-1], last._replace(content=content)]


def _sums_of(parts: list[Chunk]) -> Sums | None:
    """Unpacks the data; None where they do not come to their end in the last part."""
    stream, right = zlib.decompressobj(-zlib.MAX_WBITS), zlib.adler32(b"")
    try:
        for place, part in enumerate(parts):
            packed = part.content[0 if place else SIZE_OF_HEADER :]
            if stream.eof:
                return None
            while packed and not stream.eof:
                right = zlib.adler32(stream.decompress(packed, AT_ONCE), right)
                packed = stream.unconsumed_tail
    except zlib.error:
        return None
    return Sums(stream.unused_data, struct.pack(">I", right)) if stream.eof else None


def _until_damage(chunks: list[Chunk]) -> Iterator[Chunk]:
    """Yields the chunks up to the first with damaged data; of one that only ends too early, what is there."""
    for place, chunk in enumerate(chunks):
        is_cut = place == len(chunks) - 1
        if chunk.kind != b"IDAT" or chunk.is_whole or is_cut:
            yield chunk
        if chunk.kind == b"IDAT" and not chunk.is_whole:
            return


def _written(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
