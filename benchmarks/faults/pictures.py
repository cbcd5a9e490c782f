"""Draws small pictures by number, no two of which look alike."""

import random
from collections.abc import Iterable
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from PIL import Image

from library.images import ContentId

SIDE, BLOCKS = 64, 8


def drawn(number: int) -> bytes:
    """Returns a PNG of coloured blocks; the same number gives the same picture."""
    image = Image.frombytes("RGB", (BLOCKS, BLOCKS), random.Random(number).randbytes(3 * BLOCKS * BLOCKS))
    buffer = BytesIO()
    image.resize((SIDE, SIDE), Image.Resampling.NEAREST).save(buffer, "PNG")
    return buffer.getvalue()


def album(numbers: Iterable[int]) -> dict[ContentId, bytes]:
    """Returns the pictures of these numbers by their content IDs."""
    return {ContentId(sha256(data).hexdigest()): data for data in map(drawn, numbers)}


def written(folder: Path, pictures: dict[ContentId, bytes]) -> Path:
    """Writes the pictures into a folder and returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    for id, data in pictures.items():
        (folder / f"{id[:12]}.png").write_bytes(data)
    return folder
