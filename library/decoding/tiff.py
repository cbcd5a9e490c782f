"""Finds the pages of a TIFF and of the raw formats built like one, and turns the file to its largest page."""

import ctypes
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ctypes.util import find_library
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import PIL

from library.decoding.depth import SAMPLE_FORMAT
from library.decoding.formats import MAX_PIXELS, MAX_STATED_PIXELS

SUBFILE, WIDTH, HEIGHT, COMPRESSION, PHOTOMETRIC, MAKE = 254, 256, 257, 259, 262, 271
STRIPS, ORIENTATION, TILES, CHILDREN, DNG_VERSION = 273, 274, 324, 330, 50706
READ_TAGS = frozenset(
    [
        *(SUBFILE, WIDTH, HEIGHT, COMPRESSION, PHOTOMETRIC, MAKE, STRIPS, ORIENTATION, TILES, CHILDREN),
        *(SAMPLE_FORMAT, DNG_VERSION),
    ]
)
LETTERS = {1: "B", 2: "c", 3: "H", 4: "I", 7: "c", 13: "I", 16: "Q", 18: "Q"}  # how each type of a number is unpacked
LONG, UNDEFINED, LONG8 = 4, 7, 16
SENSOR_VALUES = (32803, 34892)  # a photometric interpretation that only a raw converter makes a picture of
MASK = 4
MOST_PAGES = 1000
SAME_SHAPE = 0.02

Tags = Mapping[int, tuple[Any, ...]]


@dataclass(frozen=True)
class TiffPage:
    """Describes one picture of the file; `at` is where its directory lies."""

    at: int
    tags: Tags

    @property
    def width(self) -> int:
        return self._number(WIDTH)

    @property
    def height(self) -> int:
        return self._number(HEIGHT)

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def orientation(self) -> int:
        return self._number(ORIENTATION)

    @property
    def compression(self) -> int:
        return self._number(COMPRESSION)

    @property
    def sample_format(self) -> int:
        return self._number(SAMPLE_FORMAT)

    @property
    def is_sensor_data(self) -> bool:
        """Returns whether these are the values of a sensor, of which a raw converter would make a picture."""
        return self._number(PHOTOMETRIC) in SENSOR_VALUES

    @property
    def is_mask(self) -> bool:
        """Returns whether the page only says where another page is transparent."""
        return self._number(PHOTOMETRIC) == MASK or bool(self._number(SUBFILE) & MASK)

    @property
    def make(self) -> str:
        """Returns the maker of the camera."""
        return b"".join(self.tags.get(MAKE, ())).decode("latin-1").strip("\0 ")

    def is_like(self, other: "TiffPage") -> bool:
        """Returns whether the two are equally long for their width, as a picture and its reduced copy are."""
        one, two = self.width * other.height, other.width * self.height
        return abs(one - two) <= SAME_SHAPE * max(one, two)

    def _number(self, tag: int) -> int:
        values = self.tags.get(tag) or (0,)
        return values[0] if isinstance(values[0], int) else 0


@dataclass(frozen=True)
class Layout:
    """Reads numbers as they lie in the file: their order, and whether it is a BigTIFF with places of 64 bits."""

    order: str
    is_big: bool

    @classmethod
    def of(cls, data: bytes) -> "Layout | None":
        """Reads the first bytes; None where they are not those of a TIFF or a raw format built like one."""
        order = {b"II": "<", b"MM": ">"}.get(data[:2])
        return cls(order, data[2:4] in (b"+\0", b"\0+")) if order and len(data) >= 16 else None

    @property
    def first(self) -> int:
        """Returns where the place of the first directory is written."""
        return 8 if self.is_big else 4

    def place(self, data: bytes, at: int) -> int:
        """Reads a place in the file."""
        return self._read("Q" if self.is_big else "I", data, at)

    def turned_to(self, data: bytes, page: TiffPage) -> bytes:
        """Returns the file with that page as its first."""
        place = struct.pack(self.order + ("Q" if self.is_big else "I"), page.at)
        return b"".join((data[: self.first], place, memoryview(data)[self.first + len(place) :]))

    def with_page(self, data: bytes, tags: Mapping[int, tuple[int, ...] | bytes]) -> bytes:
        """Returns the file with a directory of these tags as its only one: at its start, so that it ends where it
        did, be it cut short or not."""
        letter, kind = ("Q", LONG8) if self.is_big else ("I", LONG)
        size, limit = (20, 8) if self.is_big else (12, 4)
        start = 2 * limit
        head = start + 16 + size * len(tags)
        beside = sum(limit * len(values) if isinstance(values, tuple) else len(values) + 1 for values in tags.values())
        entries, content = b"", b""
        for tag, values in sorted(tags.items()):
            if isinstance(values, tuple):
                moved = (each + head + beside - start for each in values) if tag in (STRIPS, TILES) else values
                value = struct.pack(f"{self.order}{len(values)}{letter}", *moved)
            else:
                value = values + bytes(len(values) % 2)
            if len(value) > limit:
                place = head + len(content)
                content += value
                value = struct.pack(self.order + letter, place)
            shape = kind if isinstance(values, tuple) else UNDEFINED
            entries += struct.pack(f"{self.order}HH{letter}", tag, shape, len(values)) + value.ljust(limit, b"\0")
        count = struct.pack(self.order + ("Q" if self.is_big else "H"), len(tags))
        first = struct.pack(self.order + letter, start)
        written = (data[: self.first] + first + count + entries).ljust(head, b"\0") + content
        return written.ljust(head + beside, b"\0") + data[start:]

    def directory(self, data: bytes, at: int, wanted: frozenset[int] = READ_TAGS) -> tuple[Tags, int]:
        """Returns the tags of the directory and the place of the next. Raises struct.error where the file ends."""
        count = self._read("Q" if self.is_big else "H", data, at)
        at, size, limit = (at + 8, 20, 8) if self.is_big else (at + 2, 12, 4)
        if at + count * size > len(data):
            raise struct.error("the directory is cut short")
        tags: dict[int, tuple[Any, ...]] = {}
        for entry in range(at, at + count * size, size):
            tag, kind = struct.unpack_from(self.order + "HH", data, entry)
            if tag in wanted and kind in LETTERS:
                tags[tag] = self._values(data, entry + 4, LETTERS[kind], limit)
        end = at + count * size
        return tags, self.place(data, end) if end + limit <= len(data) else 0

    def _values(self, data: bytes, at: int, letter: str, limit: int) -> tuple[Any, ...]:
        count = self.place(data, at)
        length = count * struct.calcsize("=" + letter)
        start = at + limit if length <= limit else self.place(data, at + limit)
        if start + length > len(data):
            return ()
        return struct.unpack_from(f"{self.order}{count}{letter}", data, start)

    def _read(self, letter: str, data: bytes, at: int) -> int:
        found: int = struct.unpack_from(self.order + letter, data, at)[0]
        return found


def pages(data: bytes) -> list[TiffPage]:
    """Returns all pages, those within others too, in the order in which they are linked; none for other formats."""
    layout = Layout.of(data)
    if not layout:
        return []
    with suppress(struct.error):
        return list(_linked(data, layout, [layout.place(data, layout.first)]))
    return []


def is_cut_short(data: bytes) -> bool:
    """Returns whether the first directory should lie behind the end of the file."""
    layout = Layout.of(data)
    return layout is not None and layout.place(data, layout.first) >= len(data) - 2


def largest(pages: list[TiffPage]) -> TiffPage | None:
    """Returns the largest page, of equal ones the first; where that is too large to be read, its largest copy."""
    shown = [page for page in pages if page.pixels and not page.is_mask and not page.is_sensor_data]
    if not shown:
        return None
    found = max(shown, key=lambda page: page.pixels)
    copies = [page for page in shown if page.pixels <= MAX_PIXELS and page.is_like(found)]
    is_shown_itself = not copies or not MAX_PIXELS < found.pixels <= MAX_STATED_PIXELS
    return found if is_shown_itself else max(copies, key=lambda page: page.pixels)


def equals_of(page: TiffPage, pages: list[TiffPage]) -> list[TiffPage]:
    """Returns the pages behind this one that are as wide and as high, and are pictures, too."""
    following = pages[pages.index(page) + 1 :]
    shown = [each for each in following if not each.is_mask and not each.is_sensor_data]
    return [each for each in shown if (each.width, each.height) == (page.width, page.height)]


def turned_to(data: bytes, page: TiffPage) -> bytes:
    """Returns the bytes of the TIFF with that page as its first."""
    layout = Layout.of(data)
    return layout.turned_to(data, page) if layout else data


@cache
def silence() -> None:
    """Stops libtiff from writing to stderr: what it has to say of damage, Pillow raises as well."""
    folder = Path(PIL.__file__).parent
    bundled = [*folder.parent.glob("[pP]illow.libs/libtiff*"), *folder.glob(".dylibs/libtiff*")]
    for name in [str(path) for path in bundled] or [find_library("tiff") or ""]:
        with suppress(OSError, AttributeError):
            library = ctypes.CDLL(name)
            for setter in (library.TIFFSetErrorHandler, library.TIFFSetWarningHandler):
                setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
                setter(None)


def _linked(data: bytes, layout: Layout, places: list[int]) -> Iterator[TiffPage]:
    seen: set[int] = set()
    while places and len(seen) < MOST_PAGES:
        at = places.pop(0)
        if at in seen or not 0 < at < len(data):
            continue
        seen.add(at)
        try:
            tags, following = layout.directory(data, at)
        except struct.error:
            continue
        yield TiffPage(at, tags)
        places += [*(each for each in tags.get(CHILDREN, ()) if isinstance(each, int)), following]
