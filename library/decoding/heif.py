"""Turns a HEIC that is too large to be decoded to the smaller copy of the picture within it."""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

SIZE = re.compile(rb"ispe\0{4}(.{8})", re.DOTALL)
HEAD = 1 << 20  # bytes, within which the sizes stand


class Box(NamedTuple):
    """Names a part of the file by where its content lies."""

    kind: bytes
    start: int
    end: int


def may_be_large(data: bytes, most: int) -> bool:
    """Returns whether anything in the file has more than that many pixels; a whole parse tells only what is its
    picture."""
    sizes = (struct.unpack(">II", found[1]) for found in SIZE.finditer(data, 0, HEAD))
    return any(width * height > most for width, height in sizes)


def turned_to_thumbnail(data: bytes) -> bytes | None:
    """Returns the file with the thumbnail of its picture as the picture; None where it has none."""
    top = _find(data, b"meta", Box(b"", 0, len(data)))
    if not top:
        return None
    meta = top._replace(start=top.start + 4)
    primary, references = _find(data, b"pitm", meta), _find(data, b"iref", meta)
    if not primary or not references:
        return None
    layout = ">I" if data[primary.start] else ">H"
    at = primary.start + 4
    id = struct.unpack_from(layout, data, at)[0]
    wide = ">I" if data[references.start] else ">H"
    for box in _boxes(data, references._replace(start=references.start + 4)):
        size = struct.calcsize(wide)
        source = struct.unpack_from(wide, data, box.start)[0]
        count = struct.unpack_from(">H", data, box.start + size)[0]
        targets = [struct.unpack_from(wide, data, box.start + size + 2 + size * each)[0] for each in range(count)]
        if box.kind == b"thmb" and id in targets:
            turned = bytearray(data)
            struct.pack_into(layout, turned, at, source)
            turned[box.start - 4 : box.start] = b"free"  # else it is a thumbnail still, which no decoder lists
            return bytes(turned)
    return None


def _find(data: bytes, kind: bytes, within: Box) -> Box | None:
    return next((box for box in _boxes(data, within) if box.kind == kind), None)


def _boxes(data: bytes, within: Box) -> Iterator[Box]:
    at = within.start
    while at + 8 <= within.end:
        length, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if length == 1 and at + 16 <= within.end:
            length, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        end = within.end if length == 0 else at + length
        if (length and length < head) or end > within.end:
            return
        yield Box(kind, at + head, end)
        at = end
