"""Builds TIFF files page by page, as scanners and cameras write them."""

import struct
from dataclasses import dataclass, field
from io import BytesIO

from PIL import Image

SHORT, LONG, ASCII = 3, 4, 2
CFA, RGB = 32803, 2


@dataclass
class Directory:
    """Describes one page: its tags, the bytes of its picture, and pages within it."""

    tags: dict[int, int | str] = field(default_factory=dict)
    content: bytes = b""
    as_jpeg: bool = False  # named by the tags for an embedded JPEG, not as a strip
    children: list["Directory"] = field(default_factory=list)


def page(image: Image.Image, **more: int) -> Directory:
    """Returns an uncompressed page of colours."""
    sizes = {256: image.width, 257: image.height, 258: 8, 259: 1, 262: RGB, 277: 3, 278: image.height}
    return Directory({**sizes, **{int(tag[1:]): value for tag, value in more.items()}}, image.tobytes())


def jpeg_page(image: Image.Image) -> Directory:
    """Returns a page that holds a preview as JPEG."""
    return Directory({254: 1, 259: 6}, jpeg(image), as_jpeg=True)


def sensor_page(width: int, height: int) -> Directory:
    """Returns a page of values of a sensor, which nothing but a raw converter can show."""
    tags: dict[int, int | str] = {254: 0, 256: width, 257: height, 258: 16, 259: 1, 262: CFA, 277: 1}
    return Directory(tags, bytes(64))


def jpeg(image: Image.Image, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def tiff(directories: list[Directory], start: bytes = b"II*\0") -> bytes:
    """Returns a file in which each page follows the one before it."""
    body = bytearray(start + bytes(12))
    first = _written(directories, body)
    struct.pack_into("<I", body, 4, first)
    return bytes(body)


def _written(directories: list[Directory], body: bytearray) -> int:
    """Appends the pages, the last first, and returns the place of the first."""
    following = 0
    for directory in reversed(directories):
        tags = dict(directory.tags)
        if directory.children:
            tags[330] = _written(directory.children, body)  # Nikon links them; other makers list their places
        at = len(body)
        body += directory.content + bytes(-len(directory.content) % 2)
        place, length = (513, 514) if directory.as_jpeg else (273, 279)
        tags |= {place: at, length: len(directory.content)} if directory.content else {}
        following = _directory(tags, body, following)
    return following


def _directory(tags: dict[int, int | str], body: bytearray, following: int) -> int:
    entries = b""
    for tag, value in sorted(tags.items()):
        if isinstance(value, str):
            at = len(body)
            body += value.encode() + bytes(8)
            entries += struct.pack("<HHII", tag, ASCII, len(value) + 1, at)
        else:
            entries += struct.pack("<HHII", tag, LONG, 1, value)
    body += bytes(len(body) % 2)
    at = len(body)
    body += struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)
    return at
