"""Reads the size in the head of a WebP: Pillow takes the memory of all its pixels as soon as it opens one."""

import re

CHUNK, CONTENT = 12, 20  # where the first chunk begins, and what it holds
LOSSY_START = b"\x9d\x01\x2a"


def size_of(data: bytes) -> tuple[int, int] | None:
    """Returns the width and the height in pixels; None where the bytes are no WebP, or are too few to say it.

    The layout is that of RFC 9649.
    """
    if not re.match(rb"RIFF.{4}WEBP", data[:CHUNK], re.DOTALL) or len(data) < CONTENT + 10:
        return None
    kind, head = data[CHUNK : CHUNK + 4], data[CONTENT : CONTENT + 10]
    if kind == b"VP8X":
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and head[3:6] == LOSSY_START:
        return int.from_bytes(head[6:8], "little") & 0x3FFF, int.from_bytes(head[8:10], "little") & 0x3FFF
    return None
