"""Has Pillow leave out Exif blocks that it would copy many times over, once for each tag that claims all of them."""

import struct
from functools import cache

from PIL import Image

START = b"Exif\0\0"  # before the block in most formats
BYTES_OF_TYPES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4)  # by the number of a type of TIFF
LONG_TYPES = (16, 17, 18)  # of 8 bytes
WITHIN_TAG = 4  # bytes, which need no place elsewhere in the block
POINTERS = (0x8769, 0x8825, 0xA005)  # tags that say where further tags are: Exif's own, GPS, interoperability
HEAD, ENTRY = 8, 12  # bytes
MOST_DIRECTORIES = 8  # of tags: there are four
MOST_TIMES = 2  # as often as a block may be claimed: a maker's own tag may run over those behind it


@cache
def bound_exif() -> None:
    """Has Pillow read no Exif block with endless claims, in whatever format: some it reads while a file is opened."""
    load = Image.Exif.load

    def loaded(exif: Image.Exif, data: bytes) -> None:
        load(exif, b"" if claims_too_much(data) else data)

    Image.Exif.load = loaded  # type: ignore[method-assign, assignment]


def claims_too_much(data: bytes) -> bool:
    """Returns whether the tags of an Exif block claim far more bytes than it has, together.

    Of what a tag claims only the bytes that are there count: a block that was cut short is read as far as it goes.
    """
    while data.startswith(START):
        data = data[len(START) :]
    if len(data) < HEAD:
        return False
    order = "<" if data.startswith(b"II") else ">"
    waiting: list[int] = list(struct.unpack_from(f"{order}L", data, 4))
    seen: set[int] = set()
    claimed = 0
    while waiting and claimed <= MOST_TIMES * len(data):
        at = waiting.pop()
        if at not in seen:
            seen.add(at)
            claimed += _claimed_at(data, at, order, waiting)
        if len(seen) > MOST_DIRECTORIES:
            return True
    return claimed > MOST_TIMES * len(data)


def _claimed_at(data: bytes, at: int, order: str, waiting: list[int]) -> int:
    """Returns how many bytes of the block the tags claim that begin at a place, and adds where others are."""
    end = len(data) - (len(data) - at - 2) % ENTRY
    if end < at + 2 + ENTRY:
        return 0
    (count,) = struct.unpack_from(f"{order}H", data, at)
    claimed = 0
    for tag, kind, values, place in struct.iter_unpack(f"{order}HHLL", data[at + 2 : min(end, at + 2 + count * ENTRY)]):
        size = values * _bytes_of(kind)
        claimed += min(size, max(0, len(data) - place)) if size > WITHIN_TAG else 0
        if tag in POINTERS:
            waiting.append(place)
    return claimed


def _bytes_of(kind: int) -> int:
    return 8 if kind in LONG_TYPES else BYTES_OF_TYPES[kind] if kind < len(BYTES_OF_TYPES) else 0
