"""Finds the numbers of the colours in HEIC and AVIF, and the smaller copy of a HEIC that is too large to be decoded."""

import re
import struct
from collections.abc import Iterator
from contextlib import suppress
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


def colour_numbers(data: bytes) -> tuple[int, int] | None:
    """Returns by which numbers the picture names its primaries and its transfer; None where it does not."""
    with suppress(struct.error, IndexError):
        meta = _meta(data)
        primary, properties = (_find(data, kind, meta) if meta else None for kind in (b"pitm", b"iprp"))
        shared, given = (_find(data, kind, properties) if properties else None for kind in (b"ipco", b"ipma"))
        if not primary or not shared or not given:
            return None
        listed = list(_boxes(data, shared))
        for number in _properties_of(_primary_id(data, primary), data, given):
            box = listed[number - 1]
            if box.kind == b"colr" and data[box.start : box.start + 4] == b"nclx":
                first, second = struct.unpack_from(">HH", data, box.start + 4)
                return first, second
    return None


def turned_to_thumbnail(data: bytes) -> bytes | None:
    """Returns the file with the thumbnail of its picture as the picture; None where it has none."""
    meta = _meta(data)
    if not meta:
        return None
    primary, references = _find(data, b"pitm", meta), _find(data, b"iref", meta)
    if not primary or not references:
        return None
    id = _primary_id(data, primary)
    wide = ">I" if data[references.start] else ">H"
    for box in _boxes(data, references._replace(start=references.start + 4)):
        size = struct.calcsize(wide)
        source = struct.unpack_from(wide, data, box.start)[0]
        count = struct.unpack_from(">H", data, box.start + size)[0]
        targets = [struct.unpack_from(wide, data, box.start + size + 2 + size * each)[0] for each in range(count)]
        if box.kind == b"thmb" and id in targets:
            turned = bytearray(data)
            struct.pack_into(_layout(data, primary), turned, primary.start + 4, source)
            turned[box.start - 4 : box.start] = b"free"  # else it is a thumbnail still, which no decoder lists
            return bytes(turned)
    return None


def _meta(data: bytes) -> Box | None:
    found = _find(data, b"meta", Box(b"", 0, len(data)))
    return found._replace(start=found.start + 4) if found else None


def _layout(data: bytes, primary: Box) -> str:
    return ">I" if data[primary.start] else ">H"


def _primary_id(data: bytes, primary: Box) -> int:
    found: int = struct.unpack_from(_layout(data, primary), data, primary.start + 4)[0]
    return found


def _properties_of(id: int, data: bytes, given: Box) -> list[int]:
    """Returns the places, from 1, of the properties that the box gives to the item."""
    of_item, of_property = (">I" if data[given.start] else ">H"), (">H" if data[given.start + 3] & 1 else ">B")
    width = struct.calcsize(of_property)
    at = given.start + 8
    while at < given.end:
        item = struct.unpack_from(of_item, data, at)[0]
        at += struct.calcsize(of_item)
        count = data[at]
        if item == id:
            numbers = (struct.unpack_from(of_property, data, at + 1 + width * each)[0] for each in range(count))
            return [number & ((1 << (8 * width - 1)) - 1) for number in numbers if number]
        at += 1 + width * count
    return []


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
