"""Fills up files that are cut short, where their container says how long they should be."""

import struct

from library.decoding.formats import format_of
from library.errors import RejectedImage

CODESTREAM, TILE_PART, END_OF_CODESTREAM = b"\xff\x4f\xff\x51", b"\xff\x90\0\x0a", b"\xff\xd9"
PROFILES = (2, 3)  # what a box of colours says it holds, 1 being a number
MOST_MISSING = 0.06  # of the file; more can never be the last rows alone


def filled_up(data: bytes) -> tuple[bytes, bytes] | None:
    """Returns a WebP, HEIC, AVIF or JPEG 2000 that is cut short with two different fillings: what both decode to alike
    is there.

    Returns None for any other file. Raises RejectedImage where too much is missing.
    """
    missing = _missing(data)
    if missing <= 0:
        return None
    if missing > MOST_MISSING * len(data):
        raise RejectedImage("cut_short", share=int(100 * len(data) / (len(data) + missing)))
    end = END_OF_CODESTREAM[-missing:] if format_of(data) == "JPEG 2000" else b""
    length = missing - len(end)
    return data + bytes(length) + end, data + (b"\x5a\xc3\x99\x3c" * (length // 4 + 1))[:length] + end


def profile_of_jpeg_2000(data: bytes) -> bytes | None:
    """Returns the profile in the boxes before the picture."""
    at, end = 0, data.find(b"jp2c")
    while (at := data.find(b"colr", at + 1, end)) >= 0:
        length = int.from_bytes(data[at - 4 : at], "big")
        if data[at + 4] in PROFILES:
            return data[at + 7 : at - 4 + length]
    return None


def _missing(data: bytes) -> int:
    match format_of(data):
        case "WebP":
            length: int = struct.unpack_from("<I", data, 4)[0]
            return 8 + length - len(data)
        case "HEIC" | "AVIF":
            return _end_of_boxes(data) - len(data)
        case "JPEG 2000":
            return _end_of_tile(data) - len(data)
    return 0


def _end_of_boxes(data: bytes) -> int:
    at = 0
    while at + 16 <= len(data):
        length: int = struct.unpack_from(">I", data, at)[0]
        if length == 1:
            length = struct.unpack_from(">Q", data, at + 8)[0]
        if length < 8:
            break
        at += length
    return max(at, len(data))


def _end_of_tile(data: bytes) -> int:
    """Returns where a JPEG 2000 of one tile should end; the end of the data for one of several."""
    start = data.find(CODESTREAM)
    if start < 0 or start + 40 > len(data):
        return len(data)
    right, bottom, *_, width, height = struct.unpack_from(">8I", data, start + 8)[:6]
    at = data.find(TILE_PART, start)
    if width < right or height < bottom:
        return len(data)
    while at > 0 and data[at : at + 4] == TILE_PART and at + 10 <= len(data):
        length: int = struct.unpack_from(">I", data, at + 6)[0]
        if not length:
            return len(data)
        at += length
    return max(at + len(END_OF_CODESTREAM), len(data))
