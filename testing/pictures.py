"""Makes items, records, vectors and content IDs for tests and benchmarks."""

from collections.abc import Iterable
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from library.images import ContentId, content_id
from library.ingest.items import Item
from library.ports import Hit
from library.records import Record
from library.samples.pictures import sample_pictures


@cache
def samples() -> dict[str, bytes]:
    """Returns the sample pictures by name; drawing them takes two seconds."""
    return dict(sample_pictures())


def item(name: str, data: bytes, **fields: Any) -> Item:
    return Item(name, name, lambda: data, **fields)


def noise(seed: int) -> bytes:
    """Returns a JPEG of 400 x 300 pixels that is large for its size; the same seed is the same picture."""
    buffer = BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def record(number: int, **fields: Any) -> Record:
    """Returns a record without a picture; the same number gives the same content ID."""
    id = content_id(str(number).encode())
    return Record(
        **{
            "content_id": id,
            "img_path": f"images/{id[:2]}/{id}.png",
            "name": f"{number}.png",
            "format": "PNG",
            "width": 40,
            "height": 30,
            "bytes": 100 + number,
            "added": "2026-01-01T00:00:00.000000Z",
            "source": "test",
            **fields,
        }
    )


def unit_vectors(count: int, dim: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def ids(hits: Iterable[Hit]) -> list[ContentId]:
    return [hit.record.content_id for hit in hits]
