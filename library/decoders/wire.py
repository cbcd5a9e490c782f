"""Sends requests, pictures and reasons through the pipes between this process and one that decodes.

What comes out of such a process is not trusted: it is plain JSON and pixels, whose sizes are checked.
"""

import json
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from library.decoding.formats import EXTENSIONS
from library.images import Grey, Picture
from library.messages import Message

LENGTH = struct.Struct(">Q")
MOST_JSON = 1 << 20
MOST_BYTES = 1 << 30
BAND = 1 << 24  # pixels that are sent at once, so that a large picture is never there twice

Json = dict[str, Any]


def write(stream: BinaryIO, header: Json, body: bytes = b"") -> None:
    """Sends a header, and the bytes that belong to it."""
    packed = json.dumps(header).encode()
    stream.write(LENGTH.pack(len(packed)) + LENGTH.pack(len(body)) + packed)
    stream.write(body)
    stream.flush()


def read(stream: BinaryIO) -> tuple[Json, bytes]:
    """Returns what `write` sent. Raises EOFError at the end of the stream, and ValueError for a malformed header."""
    lengths = _exactly(stream, 2 * LENGTH.size)
    (of_header,), (of_body,) = LENGTH.unpack(lengths[: LENGTH.size]), LENGTH.unpack(lengths[LENGTH.size :])
    if of_header > MOST_JSON or of_body > MOST_BYTES:
        raise ValueError(of_header, of_body)
    header = json.loads(_exactly(stream, of_header))
    if not isinstance(header, dict):
        raise ValueError(header)
    return header, _exactly(stream, of_body)


def described(picture: Picture) -> Json:
    """Returns all of a picture but its pixels, as JSON."""
    return {
        "format": picture.format,
        "full": [picture.width, picture.height],
        "size": picture.image.size,
        "note": picture.note.as_json() if picture.note else None,
    }


def write_pixels(stream: BinaryIO, image: Image.Image) -> None:
    """Writes the pixels row by row, in bands, so that no second picture of its size is made."""
    for top, rows in _bands(image.size):
        whole = rows == image.height
        band = image if whole else image.crop((0, top, image.width, top + rows))
        stream.write(band.tobytes())
    stream.flush()


def read_picture(stream: BinaryIO, said: Json) -> Picture:
    """Returns a picture whose pixels follow. Raises ValueError, KeyError or TypeError for any other header."""
    (width, height), (full_width, full_height) = said["size"], said["full"]
    sides = (width, height, full_width, full_height)
    if said["format"] not in EXTENSIONS or not all(isinstance(side, int) and side > 0 for side in sides):
        raise ValueError(said)
    if 3 * width * height > MOST_BYTES:
        raise ValueError(said)
    image = _pixels(stream, (width, height))
    return Picture(image, said["format"], full_width, full_height, Message.parse(said["note"]))


def read_grey(stream: BinaryIO, size: Any) -> Grey:
    """Returns a picture in grey whose pixels follow, in one piece of memory that is given back as a whole."""
    width, height = size
    if not all(isinstance(side, int) and side > 0 for side in size) or width * height > MOST_BYTES:
        raise ValueError(size)
    return np.frombuffer(_exactly(stream, width * height), np.uint8).reshape(height, width)


def _pixels(stream: BinaryIO, size: tuple[int, int]) -> Image.Image:
    bands = list(_bands(size))
    if len(bands) == 1:
        return _band(stream, size)
    image = Image.new("RGB", size)
    for top, rows in bands:
        image.paste(_band(stream, (size[0], rows)), (0, top))
    return image


def _band(stream: BinaryIO, size: tuple[int, int]) -> Image.Image:
    return Image.frombytes("RGB", size, _exactly(stream, 3 * size[0] * size[1]))


def _bands(size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    width, height = size
    rows = max(1, BAND // width)
    for top in range(0, height, rows):
        yield top, min(rows, height - top)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data
