"""Checks strips and tiles of a TIFF that are packed by Deflate against their checksums, which libtiff leaves out."""

import zlib
from collections.abc import Mapping
from typing import Any

COMPRESSION, STRIPS, ROWS_PER_STRIP, STRIP_BYTES, TILE_HEIGHT, TILES, TILE_BYTES = 259, 273, 278, 279, 323, 324, 325
HEIGHT, PLANES, SAMPLES, APART = 257, 284, 277, 2
DEFLATE = (8, 32946)
AT_ONCE = 1 << 20


def share_of_sound_rows(data: bytes, tags: Mapping[int, Any]) -> float:
    """Returns the share of rows of which no strip and no tile is damaged; 1 for pages that are not packed so."""
    if tags.get(COMPRESSION) not in DEFLATE:
        return 1.0
    is_tiled = TILES in tags
    places, sizes = (tags.get(each) or () for each in ((TILES, TILE_BYTES) if is_tiled else (STRIPS, STRIP_BYTES)))
    height = int(tags[HEIGHT])
    rows = min(height, int(tags.get(TILE_HEIGHT if is_tiled else ROWS_PER_STRIP, height))) or height
    bands = -(-height // rows)
    planes = int(tags.get(SAMPLES, 1)) if tags.get(PLANES) == APART else 1
    across = max(1, len(places) // planes // bands)
    parts = enumerate(zip(places, sizes, strict=False))
    damaged = {place // across % bands for place, (at, size) in parts if not _is_sound(data[at : at + size])}
    return 1 - sum(min(rows, height - band * rows) for band in damaged) / height


def _is_sound(packed: bytes) -> bool:
    """Returns whether the data unpack to their end, and to their own checksum where that is there."""
    stream = zlib.decompressobj()
    try:
        while packed and not stream.eof:
            stream.decompress(packed, AT_ONCE)
            packed = stream.unconsumed_tail
    except zlib.error:
        return False
    return True
