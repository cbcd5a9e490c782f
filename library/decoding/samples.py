"""Reads the TIFFs that Pillow refuses or shows wrongly: whatever the sign, the size and the order of their numbers.

Pillow's libtiff unpacks their strips and tiles as if they were greys of one byte; what the bytes mean is done here.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, TiffImagePlugin

from library.decoding.depth import (
    BITS_PER_SAMPLE,
    LARGEST,
    NO_DATA,
    PHOTOMETRIC,
    SAMPLE_FORMAT,
    WHITE_IS_ZERO,
    holds_fractions,
    is_far_out,
    ranges_of,
    scaled,
    scaled_with_alpha,
    usable_of,
)
from library.decoding.fillers import fillers_of
from library.decoding.formats import MAX_PIXELS, check_dimensions, too_large
from library.decoding.tiff import COMPRESSION, HEIGHT, STRIPS, TILES, WIDTH, Layout, Tags, TiffPage
from library.errors import RejectedImage

FILL_ORDER, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES, PLANES, PREDICTOR = 266, 277, 278, 279, 284, 317
TILE_WIDTH, TILE_HEIGHT, TILE_BYTES, EXTRA_SAMPLES, PROFILE = 322, 323, 325, 338, 34675
WANTED = frozenset(
    [
        *(WIDTH, HEIGHT, BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC, FILL_ORDER, STRIPS, SAMPLES, ROWS_PER_STRIP),
        *(STRIP_BYTES, PLANES, PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES, EXTRA_SAMPLES, SAMPLE_FORMAT),
        *(PROFILE, NO_DATA),
    ]
)
PACKINGS = (1, 5, 8, 32773, 32946, 34925, 50000)  # none, LZW, Deflate, PackBits, LZMA, Zstandard: of bytes, not pixels
UP_TO_LZW, MOST_UNPACKED = PACKINGS[:-2], 3000  # bytes that a byte of these can become, at most
GREYS, COLOURS, INKS = (0, 1), 2, 5
UNSIGNED, SIGNED, FLOAT, UNDEFINED = 1, 2, 3, 4
APART = 2
DIFFERENCES, FLOAT_DIFFERENCES = 2, 3
PREMULTIPLIED, ALPHA = 1, 2
PILLOWS_OF_16_BITS = ((0, 1), (1, 1), (2, 3), (2, 4), (5, 4))  # photometric interpretation and samples
MAX_BYTES = 4 * MAX_PIXELS  # what the largest pictures of other formats take
BAND = 128  # rows that are made numbers at once

Numbers = NDArray[Any]
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Samples:
    """Describes how the numbers of a page lie, whose pixels Pillow does not read."""

    layout: Layout
    tags: Tags

    @classmethod
    def of(cls, data: bytes, page: TiffPage) -> "Samples | None":
        """Reads the tags of the page; None where Pillow reads it, or where this does not either."""
        layout = Layout.of(data)
        found = cls(layout, layout.directory(data, page.at, WANTED)[0]) if layout else None
        return found if found and found._is_read and not found._is_read_by_pillow else None

    @property
    def size(self) -> tuple[int, int]:
        return self._number(WIDTH), self._number(HEIGHT)

    @property
    def size_in_bytes(self) -> int:
        """Returns how many bytes the numbers take once they are unpacked."""
        return self._row * self._number(HEIGHT) * self._planes

    @property
    def numbers(self) -> int:
        """Returns how many there are of those that are shown."""
        return self._number(WIDTH) * self._number(HEIGHT) * (self._colours + self._has_alpha)

    def planes(self, data: bytes) -> Iterator[bytes]:
        """Yields files of one page of greys, each of which holds the bytes of a plane. Raises RejectedImage for too
        many pixels."""
        check_dimensions(*self.size)
        if self.size_in_bytes > MAX_BYTES:
            raise too_large()
        if self._number(COMPRESSION, 1) in UP_TO_LZW and self.size_in_bytes > MOST_UNPACKED * len(data):
            raise RejectedImage("damaged")
        for place in range(min(self._planes, self._colours + self._has_alpha)):
            yield self.layout.with_page(data, self._plane(place))

    def opened(self, data: bytes) -> ImageFile.ImageFile:
        """Opens such a file, which may have more bytes than Pillow has any picture have pixels."""
        image = TiffImagePlugin.TiffImageFile(BytesIO(data))
        image.im = Image.new("L", image.size).im
        return image

    def shown(self, planes: Iterable[Image.Image], short_side: int, orientation: int) -> Image.Image:
        """Returns the picture that the planes make, of 8 bits, perhaps reduced, to be turned as `orientation` says."""
        factor = max(1, min(self.size) // short_side)
        given = list(planes)
        some = self._some_of(given, factor)
        marks = fillers_of(usable_of(some)) if self._may_hold_fillers else []
        values = np.concatenate([self._reduced(plane, factor, marks) for plane in given], axis=2)
        if self._format == FLOAT and np.isnan(values).any() and is_far_out(some):
            values = np.concatenate([self._reduced(plane, factor, marks, np.inf) for plane in given], axis=2)
        image = self._drawn(values, self._format == FLOAT and holds_fractions(some))
        image.getexif()[ExifTags.Base.Orientation] = orientation or 1
        return image

    def _drawn(self, values: Floats, are_fractions: bool) -> Image.Image:
        count = self._colours
        if count == 4:
            return Image.fromarray(np.rint(values[..., :4] * (255 / self._most)).astype(np.uint8), "CMYK")
        ranges = ranges_of(self._bits, self._format == SIGNED)
        has_alpha = self._has_alpha and values.shape[2] > count
        if has_alpha:
            drawn = scaled_with_alpha(values[..., : count + 1], ranges, self._most, are_fractions)
        else:
            drawn = scaled(values[..., :count], ranges, are_fractions)
        if self._number(PHOTOMETRIC) == WHITE_IS_ZERO:
            drawn[..., :count] = 255 - drawn[..., :count]
        if not has_alpha:
            return Image.fromarray(drawn[..., 0] if count == 1 else drawn)
        drawn = np.dstack([*[drawn[..., min(each, count - 1)] for each in range(3)], drawn[..., count]])
        if self._number(EXTRA_SAMPLES) == PREMULTIPLIED:
            return Image.frombytes("RGBa", (drawn.shape[1], drawn.shape[0]), drawn.tobytes()).convert("RGBA")
        return Image.fromarray(drawn)

    def _some_of(self, planes: list[Image.Image], factor: int) -> Floats:
        some = [self._numbers(np.asarray(plane)[::factor])[:, ::factor] for plane in planes]
        return np.concatenate(some, axis=2)[..., : self._colours].astype(np.float64)

    def _reduced(self, plane: Image.Image, factor: int, marks: Sequence[float], most: float = LARGEST) -> Floats:
        """Returns the numbers of a plane, by rows, columns and samples: the mean of what is there of `factor` in each
        direction."""
        step = max(factor, BAND // factor * factor)
        end = plane.height // factor * factor
        parts = (plane.crop((0, at, plane.width, min(at + step, end))) for at in range(0, end, step))
        return np.concatenate([self._means(np.asarray(part), factor, marks, most) for part in parts])

    def _means(self, rows: NDArray[np.uint8], factor: int, marks: Sequence[float], most: float) -> Floats:
        values = self._numbers(rows).astype(np.float64)
        if marks:
            values[np.isin(values, marks)] = np.nan
        with suppress(ValueError):
            values[values == float(b"".join(self.tags.get(NO_DATA, (b"nan",))).strip(b"\0 "))] = np.nan
        height, width, count = values.shape
        blocks = values[:, : width // factor * factor].reshape(height // factor, factor, -1, factor, count)
        usable = np.abs(blocks) < most
        number = usable.sum(axis=(1, 3))
        with np.errstate(invalid="ignore", over="ignore"):
            means: Floats = np.where(usable, blocks, 0).sum(axis=(1, 3)) / number
        return means.astype(np.float32) if most == LARGEST else means

    def _numbers(self, rows: NDArray[np.uint8]) -> Numbers:
        count, columns = self._together, self._columns
        parts = rows.reshape(len(rows), -1, self._segment)
        if self._bits % 8:
            bits = np.unpackbits(parts, axis=2)[..., : columns * count * self._bits]
            weights = 1 << np.arange(self._bits, dtype=np.uint32)[::-1]
            values = bits.reshape(*parts.shape[:2], columns, count, self._bits) @ weights
        elif self._number(PREDICTOR, 1) == FLOAT_DIFFERENCES:
            width = self._bits // 8
            sums = parts.reshape(*parts.shape[:2], -1, count).cumsum(axis=2, dtype=np.uint8)
            bytewise = np.moveaxis(sums.reshape(*parts.shape[:2], width, columns * count), 2, 3)
            values = np.ascontiguousarray(bytewise).view(f">f{width}")
        else:
            whole = np.dtype(f"u{self._bits // 8}")
            values = np.ascontiguousarray(parts).view(f"{self.layout.order}u{self._bits // 8}").astype(whole)
            values = values.reshape(*parts.shape[:2], columns, count)
            if self._number(PREDICTOR, 1) == DIFFERENCES:
                values = values.cumsum(axis=2, dtype=whole)
            values = values.view(f"{'uif'[self._format - 1]}{self._bits // 8}")
        return values.reshape(len(rows), -1, count)[:, : self.size[0]]

    def _plane(self, place: int) -> dict[int, Any]:
        parts = {}
        for tag in (STRIPS, STRIP_BYTES, TILES, TILE_BYTES):
            if values := self.tags.get(tag):
                number = len(values) // self._planes
                parts[tag] = values[place * number : (place + 1) * number]
        if TILES in parts:
            parts |= {TILE_WIDTH: (self._segment,), TILE_HEIGHT: self.tags[TILE_HEIGHT]}
        else:
            parts[ROWS_PER_STRIP] = (min(self._number(ROWS_PER_STRIP, 1 << 31), self._number(HEIGHT)),)
        kept: dict[int, Any] = {PROFILE: b"".join(self.tags[PROFILE])} if PROFILE in self.tags else {}
        sizes = {WIDTH: (self._row,), HEIGHT: self.tags[HEIGHT], BITS_PER_SAMPLE: (8,), PHOTOMETRIC: (1,)}
        return kept | parts | sizes | {COMPRESSION: (self._number(COMPRESSION, 1),), SAMPLES: (1,)}

    @property
    def _is_read(self) -> bool:
        bits = set(self.tags.get(BITS_PER_SAMPLE, ()))
        kinds = set(self.tags.get(SAMPLE_FORMAT, (UNSIGNED,)))
        fits = {UNSIGNED: range(8, 65), SIGNED: (8, 16, 32, 64), FLOAT: (16, 32, 64), UNDEFINED: range(8, 65)}
        is_known = len(bits) == len(kinds) == 1 and self._bits in fits.get(self._number(SAMPLE_FORMAT, UNSIGNED), ())
        return (
            is_known
            and (self._bits in (8, 16, 32, 64) or (self._bits <= 16 and self._number(PREDICTOR, 1) == 1))
            and self._number(COMPRESSION, 1) in PACKINGS
            and self._number(PHOTOMETRIC, 1) in (*GREYS, COLOURS, INKS)
            and self._number(FILL_ORDER, 1) == 1
            and self._number(PREDICTOR, 1) in ((1, 2, 3) if self._format == FLOAT else (1, 2))
            and 0 not in self.size
            and (STRIPS in self.tags or {TILES, TILE_WIDTH, TILE_HEIGHT} <= set(self.tags))
        )

    @property
    def _is_read_by_pillow(self) -> bool:
        count, photometric = self._number(SAMPLES, 1), self._number(PHOTOMETRIC, 1)
        is_planar = self._number(PLANES, 1) == APART
        if self._format != UNSIGNED or (is_planar and (count == 1 or self._bits == 16)):
            return False
        if self._bits == 16:
            if self._number(EXTRA_SAMPLES) == PREMULTIPLIED and self.size_in_bytes <= MAX_BYTES:
                return False  # it divides the upper bytes alone
            return (photometric, count) in PILLOWS_OF_16_BITS
        return self._bits == 8 or (self._bits == 12 and count == 1 and self._number(COMPRESSION, 1) == 1)

    @property
    def _bits(self) -> int:
        return self._number(BITS_PER_SAMPLE, 1)

    @property
    def _format(self) -> int:
        found = self._number(SAMPLE_FORMAT, UNSIGNED)
        return UNSIGNED if found == UNDEFINED else found

    @property
    def _most(self) -> float:
        return 1.0 if self._format == FLOAT else float(2 ** (self._bits - (self._format == SIGNED)) - 1)

    @property
    def _colours(self) -> int:
        count, photometric = self._number(SAMPLES, 1), self._number(PHOTOMETRIC, 1)
        return {COLOURS: 3, INKS: 4}.get(photometric, 1) if count >= 3 else 1

    @property
    def _has_alpha(self) -> bool:
        return self._number(EXTRA_SAMPLES) in (PREMULTIPLIED, ALPHA)

    @property
    def _may_hold_fillers(self) -> bool:
        return self._bits > 8 and not self._has_alpha and self._colours != 4

    @property
    def _planes(self) -> int:
        return self._number(SAMPLES, 1) if self._number(PLANES, 1) == APART else 1

    @property
    def _together(self) -> int:
        return 1 if self._planes > 1 else self._number(SAMPLES, 1)

    @property
    def _columns(self) -> int:
        """Returns the pixels in a row of a tile, or of a strip."""
        return self._number(TILE_WIDTH) if TILES in self.tags else self._number(WIDTH)

    @property
    def _segment(self) -> int:
        """Returns the bytes in a row of a tile, or of a strip."""
        return -(-self._columns * self._together * self._bits // 8)

    @property
    def _row(self) -> int:
        return self._segment * -(-self._number(WIDTH) // self._columns)

    def _number(self, tag: int, default: int = 0) -> int:
        values = self.tags.get(tag) or (default,)
        return int(values[0])
