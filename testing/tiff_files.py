"""Builds TIFF files page by page, as scanners and cameras write them."""

import struct
import zlib
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from PIL import Image

SHORT, LONG, ASCII, UNDEFINED = 3, 4, 2, 7
CFA, RGB = 32803, 2


@dataclass
class Directory:
    """Describes one page: its tags, the bytes of its picture, and pages within it."""

    tags: dict[int, int | str | bytes | tuple[int, ...]] = field(default_factory=dict)
    content: bytes = b""
    parts: list[bytes] = field(default_factory=list)  # its strips or tiles, where there are more than one
    as_jpeg: bool = False  # named by the tags for an embedded JPEG, not as a strip
    children: list["Directory"] = field(default_factory=list)


def page(image: Image.Image, **more: int) -> Directory:
    """Returns an uncompressed page of colours."""
    sizes = {256: image.width, 257: image.height, 258: 8, 259: 1, 262: RGB, 277: 3, 278: image.height}
    return Directory({**sizes, **{int(tag[1:]): value for tag, value in more.items()}}, image.tobytes())


def jpeg_page(image: Image.Image) -> Directory:
    """Returns a page that holds a preview as JPEG."""
    return Directory({254: 1, 259: 6}, jpeg(image), as_jpeg=True)


def numbers_page(
    values: np.ndarray,
    *,
    apart: bool = False,
    tile: int = 0,
    packed: bool = False,
    differences: bool = False,
    **more: int,
) -> Directory:
    """Returns a page of numbers of any kind: rows, columns and samples; together or apart, in strips or tiles."""
    height, width, samples = values.shape
    kind, rows = {"u": 1, "i": 2, "f": 3}[values.dtype.kind], tile or 100
    tags = {256: width, 257: height, 258: (8 * values.itemsize,) * samples, 259: 8 if packed else 1, 277: samples}
    tags |= {262: {3: RGB, 4: RGB}.get(samples, 1), 284: 2 if apart else 1, 317: 1, 339: (kind,) * samples}
    tags |= {322: tile, 323: tile} if tile else {278: rows}
    parts = []
    for plane in np.split(values, samples, axis=2) if apart else [values]:
        for top in range(0, height, rows):
            for left in range(0, width, tile or width):
                part = plane[top : top + rows, left : left + (tile or width)]
                if tile:
                    part = np.pad(part, ((0, tile - part.shape[0]), (0, tile - part.shape[1]), (0, 0)))
                if differences:
                    tags[317] = 3 if kind == 3 else 2
                    part = _differences(part)
                parts.append(zlib.compress(part.tobytes(), 1) if packed else part.tobytes())
    return Directory(tags | {int(tag[1:]): value for tag, value in more.items()}, parts=parts)


def _differences(part: np.ndarray) -> np.ndarray:
    if part.dtype.kind == "f":
        height, width, samples = part.shape
        bytewise = part.astype(part.dtype.newbyteorder(">")).view(np.uint8).reshape(height, width * samples, -1)
        part = np.moveaxis(bytewise, 2, 1).reshape(height, -1, samples)
    return np.diff(part, axis=1, prepend=np.zeros_like(part[:, :1]))


def sensor_page(width: int, height: int) -> Directory:
    """Returns a page of sensor values, which only a raw converter can show."""
    tags: dict[int, int | str | bytes | tuple[int, ...]] = {
        254: 0,
        256: width,
        257: height,
        258: 16,
        259: 1,
        262: CFA,
        277: 1,
    }
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
        if directory.parts:
            place, length = (324, 325) if 322 in tags else (273, 279)
            sizes = [len(part) for part in directory.parts]
            tags |= {place: tuple(at + sum(sizes[:each]) for each in range(len(sizes))), length: tuple(sizes)}
            body += b"".join(directory.parts) + bytes(sum(sizes) % 2)
        following = _directory(tags, body, following)
    return following


def _directory(tags: dict[int, int | str | bytes | tuple[int, ...]], body: bytearray, following: int) -> int:
    entries = b""
    for tag, value in sorted(tags.items()):
        if isinstance(value, tuple) and len(value) > 1:
            at = len(body)
            body += struct.pack(f"<{len(value)}I", *value)
            entries += struct.pack("<HHII", tag, LONG, len(value), at)
        elif isinstance(value, tuple):
            entries += struct.pack("<HHII", tag, LONG, 1, *value)
        elif isinstance(value, (str, bytes)):
            at = len(body)
            body += (value.encode() if isinstance(value, str) else value) + bytes(8)
            kind, length = (ASCII, len(value) + 1) if isinstance(value, str) else (UNDEFINED, len(value))
            entries += struct.pack("<HHII", tag, kind, length, at)
        else:
            entries += struct.pack("<HHII", tag, LONG, 1, value)
    body += bytes(len(body) % 2)
    at = len(body)
    body += struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)
    return at
