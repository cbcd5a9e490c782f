"""Checks strips and tiles of a TIFF that are packed by Deflate against their checksums, which libtiff leaves out."""

import zlib
from collections.abc import Mapping
from typing import Any, Literal

COMPRESSION, STRIPS, ROWS_PER_STRIP, STRIP_BYTES, TILE_HEIGHT, TILES, TILE_BYTES = 259, 273, 278, 279, 323, 324, 325
WIDTH, HEIGHT, FILL_ORDER, SAMPLES, PLANES, TILE_WIDTH, APART = 256, 257, 266, 277, 284, 322, 2
OF_TILES = (TILES, TILE_BYTES, TILE_HEIGHT, TILE_WIDTH)
OF_STRIPS = (STRIPS, STRIP_BYTES, ROWS_PER_STRIP, WIDTH)
DEFLATE = (8, 32946)
LARGEST_PIXEL = 64  # bytes
AT_ONCE = 1 << 20


def share_of_sound_rows(data: bytes, tags: Mapping[int, Any]) -> float:
    """Returns the share of rows of which no strip and no tile is damaged; 1 for pages that are not packed so."""
    if tags.get(COMPRESSION) not in DEFLATE or tags.get(FILL_ORDER, 1) != 1:
        return 1.0
    places_tag, sizes_tag, rows_tag, width_tag = OF_TILES if TILES in tags else OF_STRIPS
    places, sizes = tags.get(places_tag) or (), tags.get(sizes_tag) or ()
    height = int(tags[HEIGHT])
    rows = min(height, int(tags.get(rows_tag, height))) or height
    most = LARGEST_PIXEL * rows * int(tags.get(width_tag, 0))
    ends = [_end_of(data[at : at + size], most) for at, size in zip(places, sizes, strict=False)]
    sound = ("whole",) if "whole" in ends else ("whole", "missing")  # some programs write no end at all

    # The pieces of a plane stand in bands of `rows` rows, `across` pieces each, and the planes after one another.
    bands = -(-height // rows)
    planes = int(tags.get(SAMPLES, 1)) if tags.get(PLANES) == APART else 1
    across = max(1, len(places) // planes // bands)
    damaged = {place // across % bands for place, end in enumerate(ends) if end not in sound}
    return 1 - sum(min(rows, height - band * rows) for band in damaged) / height


def _end_of(packed: bytes, most: int) -> Literal["whole", "missing", "wrong"]:
    """Returns whether the data unpack to an end with their own checksum, to none, or not at all.

    It looks for no end beyond `most` bytes, which only a decompression bomb has.
    """
    stream, unpacked = zlib.decompressobj(), 0
    try:
        while packed and not stream.eof:
            unpacked += len(stream.decompress(packed, AT_ONCE))
            if unpacked > most:
                return "whole"
            packed = stream.unconsumed_tail
    except zlib.error:
        return "wrong"
    return "whole" if stream.eof else "missing"
