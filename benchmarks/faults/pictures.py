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
    """Returns a PNG of blocks of colours that the number alone decides."""
    image = Image.frombytes("RGB", (BLOCKS, BLOCKS), random.Random(number).randbytes(3 * BLOCKS * BLOCKS))
    buffer = BytesIO()
    image.resize((SIDE, SIDE), Image.Resampling.NEAREST).save(buffer, "PNG")
    return buffer.getvalue()


def album(numbers: Iterable[int]) -> dict[ContentId, bytes]:
    """Returns the pictures of these numbers by the content ID that they have to get."""
    return {ContentId(sha256(data).hexdigest()): data for data in map(drawn, numbers)}


def written(folder: Path, pictures: dict[ContentId, bytes]) -> Path:
    """Returns the folder, in which the pictures are now files."""
    folder.mkdir(parents=True, exist_ok=True)
    for id, data in pictures.items():
        (folder / f"{id[:12]}.png").write_bytes(data)
    return folder
