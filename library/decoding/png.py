"""Repairs PNG files whose chunks are damaged, or so long that Pillow refuses them."""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

START = b"\x89PNG\r\n\x1a\n"
LONGEST = {b"iTXt": 1 << 19, b"tEXt": 1 << 19, b"zTXt": 1 << 19, b"iCCP": 1 << 20}  # bytes; more, and Pillow gives up


class Chunk(NamedTuple):
    """Holds one part of the file; one that is cut short or damaged is not whole."""

    kind: bytes
    content: bytes
    is_whole: bool
    is_cut: bool = False

    @property
    def may_be_left_out(self) -> bool:
        """Returns whether a reader may do without it, which a small first letter says."""
        return bool(self.kind[0] & 0x20)


class Mended(NamedTuple):
    """Holds the file as it can be read, whether anything in it was damaged, and whether its last data were."""

    data: bytes
    was_damaged: bool
    is_damaged_within: bool


def mended(data: bytes) -> Mended:
    """Returns the PNG without what is damaged or longer than a description needs to be, and its data as far as they
    can be trusted."""
    chunks = list(_chunks(data))
    kept = [each for each in chunks if each.kind != b"IEND" and not _is_left_out(each)]
    is_whole = _is_whole_stream([each for each in chunks if each.kind == b"IDAT"])
    if not is_whole:
        kept = list(_until_damage(kept))
    has_damaged = not is_whole and any(each.kind == b"IDAT" and not (each.is_whole or each.is_cut) for each in kept)
    written = b"".join(_written(each.kind, each.content) for each in kept)
    return Mended(START + written + _written(b"IEND", b""), not all(each.is_whole for each in chunks), has_damaged)


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
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        checksum = data[at + 8 + length : at + 12 + length]
        is_whole = checksum == struct.pack(">I", zlib.crc32(kind + content))
        yield Chunk(kind, content, is_whole, at + 12 + length > len(data))
        at += 12 + length
        if kind == b"IEND":
            return


def _is_left_out(chunk: Chunk) -> bool:
    if not chunk.may_be_left_out:
        return False
    most = LONGEST.get(chunk.kind)
    return not chunk.is_whole or (most is not None and (len(chunk.content) > most or _unpacks_beyond(chunk, most)))


def _unpacks_beyond(chunk: Chunk, most: int) -> bool:
    """Returns whether the text or profile has more bytes once it is unpacked."""
    packed = chunk.content.partition(b"\0")[2][1:]
    if chunk.kind == b"iTXt":
        packed = packed[1:].partition(b"\0")[2].partition(b"\0")[2]
    try:
        return len(zlib.decompressobj().decompress(packed, most)) == most
    except zlib.error:  # not packed, or damaged, which is told elsewhere
        return False


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
