"""Fills up files that are cut short, where their container says how long they should be."""

import struct

from library.decoding.formats import format_of
from library.errors import RejectedImage

MOST_MISSING = 0.06  # of the file; more can never be the last rows alone


def filled_up(data: bytes) -> tuple[bytes, bytes] | None:
    """Returns a WebP, HEIC or AVIF that is cut short with two different fillings: what both decode to alike is there.

    Returns None for any other file. Raises RejectedImage where too much is missing.
    """
    missing = _missing(data)
    if missing <= 0:
        return None
    if missing > MOST_MISSING * len(data):
        raise RejectedImage("cut_short", share=int(100 * len(data) / (len(data) + missing)))
    return data + bytes(missing), data + (b"\x5a\xc3\x99\x3c" * (missing // 4 + 1))[:missing]


def _missing(data: bytes) -> int:
    match format_of(data):
        case "WebP":
            length: int = struct.unpack_from("<I", data, 4)[0]
            return 8 + length - len(data)
        case "HEIC" | "AVIF":
            return _end_of_boxes(data) - len(data)
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
