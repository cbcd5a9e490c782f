"""Reads JPEG files, and tells from where their data end whether all of their rows are there."""

import re
import struct
from collections import defaultdict
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise

import numpy as np
from PIL import Image, ImageFile, JpegImagePlugin

END, END_AS_NUMBER = b"\xff\xd9", 0xD9FF
SOF, PROGRESSIVE, SOS, DRI = (0xC0, 0xC1, 0xC2), 0xC2, 0xDA, 0xDD
RESTART = re.compile(rb"\xff[\xd0-\xd7]")
MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")  # any that does not belong among the data of a scan
WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))
COEFFICIENTS = 64
SCANNED, SCANS_OF_ANY = 4_000_000_000, 30  # pixels that take five seconds, and scans that the largest may have
MOST_SCANS = 500  # as libjpeg-turbo advises: each costs as much time as the whole picture, and programs write ten
EXIF, MOST_EXIF_PARTS = b"Exif\0\0", 16  # of 64 kB: Pillow takes as long as the square of their number
MOST_STEPS = 1 << 18  # from marker to marker, or over a byte that is none: Pillow takes a second for them
HELD_BACK = 24  # bytes: less than a decoder needs for its last blocks, more than it looks ahead
FILLING = bytes(8)  # a decoder stops before its last block where nothing follows it
UNLIKELY = (253, 2, 254, 3)  # a colour to see by that a row has not been written
MOST_LEFT_OVER = 0.05


@dataclass(frozen=True)
class JpegHeader:
    """Says what stands before the first data; `start` is where those begin."""

    width: int
    height: int
    components: int
    is_progressive: bool
    scans_together: int  # components in the first scan
    start: int
    units: int = 0  # blocks, of all components together, that are decoded one after the other
    interval: int = 0  # of them, after which a marker lets a decoder start afresh

    @property
    def comes_in_rows(self) -> bool:
        """Returns whether the decoder gives out rows as it reads, which it does where one scan holds everything."""
        return not self.is_progressive and self.scans_together == self.components

    @property
    def rows_of_a_block(self) -> int:
        """Returns how many rows are decoded together: twice as many where four pixels share their colours."""
        return 16 if 3 * self.units < -(-self.width // 8) * -(-self.height // 8) else 8

    @property
    def bytes_of_coefficients(self) -> int:
        """Returns how much a decoder needs that cannot give out rows before it has read everything, at most."""
        return 2 * self.width * self.height * self.components

    @classmethod
    def of(cls, data: bytes, at: int = 0) -> "JpegHeader | None":
        """Reads the markers up to the first scan; None where this is no JPEG of 8 bits with a header that is whole."""
        frame, interval = None, 0
        at += 2
        for _ in range(MOST_STEPS):
            if at + 4 > len(data) or data[at] != 0xFF:
                return None
            marker = data[at + 1]
            if marker == 0xFF or marker in WITHOUT_LENGTH:
                at += 1 if marker == 0xFF else 2
                continue
            length = int.from_bytes(data[at + 2 : at + 4], "big")
            if marker in SOF and data[at + 4 : at + 5] == b"\x08":
                height, width, components = struct.unpack(">HHB", data[at + 5 : at + 10].ljust(5, b"\0"))
                frame = (marker, height, width, components, _largest_sampling(data[at + 11 : at + 2 + length : 3]))
            if marker == DRI:
                interval = int.from_bytes(data[at + 4 : at + 6], "big")
            if marker == SOS and frame:
                kind, height, width, components, largest = frame
                together = data[at + 4] if at + 4 < len(data) else 0
                units = -(-width // (8 * (largest >> 4))) * -(-height // (8 * (largest & 15)))
                is_progressive = kind == PROGRESSIVE
                return cls(width, height, components, is_progressive, together, at + 2 + length, units, interval)
            if length < 2 or marker == SOS:
                return None
            at += 2 + length
        return None


def _largest_sampling(factors: bytes) -> int:
    """Returns how many blocks of a component lie together, across and down in half a byte each."""
    if len(factors) < 2:  # then they lie one by one, whatever their factor
        return 0x11
    across, down = max(each >> 4 for each in factors), max(each & 15 for each in factors)
    return max(across, 1) << 4 | max(down, 1)


class WatchedFile(BytesIO):
    """Hands a decoder the data of a JPEG in parts, and sees between them whether it has written its last row."""

    def __init__(self, data: bytes, header: JpegHeader, end: int, image: ImageFile.ImageFile) -> None:
        super().__init__(data)
        self._header = header
        self._image = image
        self._unwritten = UNLIKELY[: len(image.getbands())]
        image.im = _with_last_row(image, self._unwritten).im
        self._end = end
        self._nearly = max(header.start, end - HELD_BACK)
        self._was_done_early: bool | None = None
        self._is_filled = False
        self.lacks_rows = False  # whether the last row is still missing when all data have been read

    def read(self, size: int | None = -1, /) -> bytes:
        """Returns the data up to the next place to look, whatever is wanted: a decoder is fastest with all at once."""
        at = self.tell()
        if at < self._nearly:
            return super().read(self._nearly - at)
        if at < self._end:
            self._was_done_early = self._has_last_row()
            return super().read(self._end - at)
        if not self._is_filled:
            self._is_filled = True
            return FILLING
        self.lacks_rows = self.lacks_rows or not self._has_last_row()
        return super().read(size)

    @property
    def has_more(self) -> bool:
        """Returns whether data were left over when the last row was there: some of those before it must be wrong."""
        if self._was_done_early is None:  # a marker amid the data has made the decoder stop reading
            return self.tell() < self._end
        return self._was_done_early

    @property
    def share_between_restarts(self) -> float:
        """Returns the share of the data that lies between markers for a fresh start in their right order; 1 for a file
        that needs none."""
        header = self._header
        if not header.interval or not header.units:
            return 1.0
        expected = -(-header.units // header.interval) - 1
        found = [each[0][1] & 7 for each in RESTART.finditer(self.getvalue(), header.start, self._end)]
        wrong = abs(expected - len(found)) + sum(after != (before + 1) & 7 for before, after in pairwise(found))
        return max(0.0, 1 - (wrong + 1) / (expected + 1)) if wrong else 1.0

    def _has_last_row(self) -> bool:
        width, height = self._image.size
        found = (self._image.im.getpixel((x, height - 1)) for x in range(0, width, max(1, width // 4)))
        return any((pixel if isinstance(pixel, tuple) else (pixel,)) != self._unwritten for pixel in found)


def _with_last_row(image: ImageFile.ImageFile, colour: tuple[int, ...]) -> Image.Image:
    blank = Image.new(image.mode, image.size, None)
    blank.paste(colour if len(colour) > 1 else colour[0], (0, image.height - 1, image.width, image.height))
    return blank


def watched(data: bytes, image: ImageFile.ImageFile) -> WatchedFile | None:
    """Makes the image read from a file that sees what it decodes; None where that tells nothing."""
    header = JpegHeader.of(data)
    if not header or not header.comes_in_rows or len(image.tile) != 1:
        return None
    end = end_of(data, header.start)
    if end is None:
        return None
    image.fp = file = WatchedFile(data, header, end, image)
    return file


def at_half_size(data: bytes) -> Image.Image:
    """Decodes a JPEG at half its size, where its later scans are still seen; in an eighth, they are not."""
    image = JpegImagePlugin.JpegImageFile(BytesIO(data))
    image.draft("RGB", (image.width // 2, image.height // 2))
    image.load()
    return image


def end_of(data: bytes, start: int) -> int | None:
    """Returns where the marker lies that ends the data; compared as numbers, which is far faster than a search."""
    found = []
    for at in (start, start + 1):
        if len(data) >= at + len(END):
            is_end = np.frombuffer(data, "<u2", (len(data) - at) // 2, at) == END_AS_NUMBER
            first = int(is_end.argmax())
            found += [at + 2 * first] if is_end[first] else []
    return min(found, default=None)


def exceeded_scans(data: bytes) -> int | None:
    """Returns how many scans a JPEG of its size may have at most, where it has more: than any program writes, or than
    are decoded in a few seconds; None where it has not."""
    header = JpegHeader.of(data)
    if header is None or header.comes_in_rows:
        return None
    most = min(MOST_SCANS, max(SCANS_OF_ANY, SCANNED // max(1, header.width * header.height)))
    at, scans = header.start, 1
    while scans <= most and (found := MARKER.search(data, at)):
        marker = found[0][-1]
        if marker == END[1]:
            break
        scans += marker == SOS
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return most if scans > most else None


def has_too_many_exif_parts(data: bytes) -> bool:
    """Returns whether the Exif data of a JPEG come in more parts than any program writes."""
    header = JpegHeader.of(data)
    return data.count(EXIF, 0, header.start if header else len(data)) > MOST_EXIF_PARTS


def has_endless_header(data: bytes) -> bool:
    """Returns whether more markers and bytes of filling precede the data of a JPEG than any program writes."""
    at = 2
    for _ in range(MOST_STEPS):
        if at + 4 > len(data):
            return False
        marker = data[at + 1]
        if data[at] != 0xFF or marker == 0xFF:
            at += 1
        elif marker in WITHOUT_LENGTH or marker in (0x00, END[1]):
            at += 2
        elif marker == SOS:
            return False
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    return True


def without_end(data: bytes) -> bytes:
    """Returns the data up to the marker that ends them, right or wrong, behind which a decoder would make up rows."""
    header = JpegHeader.of(data)
    found = MARKER.search(data, header.start) if header else None
    return (data[: found.start()] if found else data) + FILLING


def ends_in_filling(data: bytes) -> bool:
    """Returns whether the data end in bytes that are all the same, as some cameras write them behind the last row."""
    header = JpegHeader.of(data)
    end = end_of(data, header.start) if header else None
    return end is not None and len(set(data[end - HELD_BACK : end])) == 1


def without_last_part(data: bytes) -> bytes:
    """Returns the data without their last twentieth."""
    header = JpegHeader.of(data)
    end = end_of(data, header.start) if header else None
    return data if header is None or end is None else data[: end - int((end - header.start) * MOST_LEFT_OVER)] + FILLING


def announces_all(data: bytes) -> bool:
    """Returns whether the scans of a progressive JPEG, each perhaps cut short, hold every coefficient to its last
    bit."""
    lowest: dict[tuple[int, int], int] = defaultdict(lambda: 1)
    components: set[int] = set()
    for found in re.finditer(rb"\xff\xda..(.)", data, re.DOTALL):
        count = found[1][0]
        at = found.end() + 2 * count
        if not 1 <= count <= 4 or at + 3 > len(data):
            continue
        named = data[found.end() : at : 2]
        components.update(named)
        first, last, approximation = data[at : at + 3]
        for component in named:
            for coefficient in range(first, min(last + 1, COEFFICIENTS)):
                lowest[component, coefficient] = approximation & 15
    return all(lowest[each, coefficient] == 0 for each in components for coefficient in range(COEFFICIENTS))
