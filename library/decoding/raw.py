"""Finds the JPEG that cameras put into their raw files, since nothing here develops raw data."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from library.decoding import tiff
from library.decoding.formats import LEAST_PREVIEW_SIDE
from library.decoding.jpeg import JpegHeader
from library.decoding.tiff import DNG_VERSION, STRIPS, TILES, TiffPage
from library.errors import RejectedImage

SIGNATURES = (
    (rb"(II\*\0|MM\0\*).{4}CR", "CR2"),
    (rb"IIR[OS]|MMOR", "ORF"),
    (rb"IIU\0", "RW2"),
    (rb"FUJIFILMCCD-RAW", "RAF"),
    (rb".{4}ftypcrx ", "CR3"),
    (rb"FOVb", "X3F"),
    (rb"\0MRM", "MRW"),
    (rb".{6}HEAPCCDR", "CRW"),
)
MAKERS = {
    "NIKON": "NEF",
    "SONY": "ARW",
    "PENTAX": "PEF",
    "RICOH": "PEF",
    "SAMSUNG": "SRW",
    "HASSELBLAD": "3FR",
    "PHASE": "IIQ",
    "CANON": "CR2",
    "KODAK": "DCR",
    "EASTMAN": "DCR",
    "EPSON": "ERF",
    "SEIKO": "ERF",
    "LEAF": "MOS",
    "MAMIYA": "MEF",
}
JPEG_START = re.compile(rb"\xff\xd8\xff[\xc0-\xc4\xdb\xdd\xe0-\xef\xfe]")
CANON_DIRECTORY = b"CMT1"  # in a CR3: a TIFF of its own, which says how the picture lies


class Preview(NamedTuple):
    """Holds the JPEG within a raw file, and how it has to be turned where it does not say so itself."""

    data: bytes
    format: str
    orientation: int
    width: int
    height: int


def raw_kind(data: bytes, pages: Sequence[TiffPage]) -> str:
    """Returns which raw format this is; an empty text where it is none."""
    for pattern, name in SIGNATURES:
        if re.match(pattern, data[:32], re.DOTALL):
            return name
    if not any(page.is_sensor_data for page in pages):
        return ""
    if any(DNG_VERSION in page.tags for page in pages):
        return "DNG"
    makes = " ".join(page.make for page in pages).upper()
    return next((kind for maker, kind in MAKERS.items() if maker in makes), "RAW")


def preview(data: bytes, kind: str, pages: Sequence[TiffPage]) -> Preview:
    """Returns the largest JPEG within. Raises RejectedImage where none is large enough to stand for the picture."""
    found = max(_previews(data, pages), key=lambda each: each[0].width * each[0].height, default=None)
    if not found:
        raise RejectedImage("raw_without_preview", format=kind)
    header, at = found
    if min(header.width, header.height) < LEAST_PREVIEW_SIDE:
        size = f"{header.width} x {header.height}"
        raise RejectedImage("raw_with_small_preview", format=kind, size=size, least=LEAST_PREVIEW_SIDE)
    return Preview(data[at:], kind, _orientation(data, kind, pages), header.width, header.height)


def _previews(data: bytes, pages: Sequence[TiffPage]) -> Iterator[tuple[JpegHeader, int]]:
    parts = {at for page in pages if page.is_sensor_data for tag in (STRIPS, TILES) for at in page.tags.get(tag, ())}
    for found in JPEG_START.finditer(data):
        at = found.start()
        if at not in parts and (header := JpegHeader.of(data, at)) and header.components in (1, 3):
            yield header, at


def _orientation(data: bytes, kind: str, pages: Sequence[TiffPage]) -> int:
    if kind == "CR3" and (at := data.find(CANON_DIRECTORY, 0, 1 << 20)) >= 0:
        pages = tiff.pages(data[at + 4 : at + (1 << 16)])
    return next((page.orientation for page in pages if page.orientation), 0)
