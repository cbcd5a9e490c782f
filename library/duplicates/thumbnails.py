"""Tells by thumbnails whether two pictures are the same one: as they are, or with the edges of one cut off."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from library.errors import LikenessError, StoreUnavailable
from library.images import ContentId, decode

ALIKE = 0.96
WORTH_ALIGNING = 0.7
SIDE = 16  # px, of what is compared
KEPT_SIDE = 48  # px, of what that is cut out of
SCALES = (0.975, 0.95, 0.925)
FLAT = 2.0  # of 255: less contrast than this is none to correlate
SAME_SHADE = 6.0
SIGNATURES_HELD = 8_000
WINDOWS_HELD = 1_000

Rows = NDArray[np.float32]
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class ThumbnailSignature:
    """Holds a picture made small, its colours in relation to their mean."""

    image: Image.Image

    @cached_property
    def pixels(self) -> Rows:
        """Returns the picture as one row of numbers."""
        return _rows([self.image.resize((SIDE, SIDE), Image.Resampling.BOX)])

    @cached_property
    def contrast(self) -> float:
        """Returns how much the pixels differ from their mean."""
        return float(self.pixels.std())

    @cached_property
    def unit(self) -> Rows:
        """Returns the pixels around their mean, as a row of unit length."""
        return _unit(self.pixels)

    def windows(self) -> Rows:
        """Returns a unit row for each part of the picture that is nearly all of it."""
        width, height = self.image.size
        places = [(scale, left, top) for scale in SCALES for left in (0, 0.5, 1) for top in (0, 0.5, 1)]
        boxes = [
            (
                left * (1 - scale) * width,
                top * (1 - scale) * height,
                (left + scale - left * scale) * width,
                (top + scale - top * scale) * height,
            )
            for scale, left, top in places
        ]
        return _unit(_rows([self.image.resize((SIDE, SIDE), Image.Resampling.BOX, box=box) for box in boxes]))


class ThumbnailSignatures:
    """Compares pictures; the signatures of the last few thousand are remembered."""

    def __init__(self, thumbnail: Callable[[ContentId], bytes]) -> None:
        self._thumbnail = thumbnail
        self._signatures: _Latest[ContentId, ThumbnailSignature | None] = _Latest(SIGNATURES_HELD)
        self._windows: _Latest[ContentId, Rows] = _Latest(WINDOWS_HELD)

    def see(self, id: ContentId, thumbnail: bytes) -> None:
        """Remembers the thumbnail of a picture that is not in the library yet."""
        self._signatures.put(id, signature_of(thumbnail))

    def is_same_image(self, one: ContentId, other: ContentId) -> bool:
        """Returns whether two pictures are the same; False where a thumbnail is missing. Raises StoreUnavailable."""
        first, second = self._signature(one), self._signature(other)
        if first is None or second is None:
            return False
        if min(first.contrast, second.contrast) < FLAT:
            return float(np.abs(first.pixels - second.pixels).max()) <= SAME_SHADE
        score = float((first.unit @ second.unit.T)[0, 0])
        if score >= ALIKE or score < WORTH_ALIGNING:
            return score >= ALIKE
        return self._is_nearly_all_of(one, first, second) or self._is_nearly_all_of(other, second, first)

    def _signature(self, id: ContentId) -> ThumbnailSignature | None:
        return self._signatures.get(id, lambda: self._read(id))

    def _is_nearly_all_of(self, id: ContentId, whole: ThumbnailSignature, part: ThumbnailSignature) -> bool:
        windows = self._windows.get(id, whole.windows)
        return float((windows @ part.unit.T).max()) >= ALIKE

    def _read(self, id: ContentId) -> ThumbnailSignature | None:
        try:
            return signature_of(self._thumbnail(id))
        except StoreUnavailable:
            raise
        except LikenessError:
            return None


def signature_of(thumbnail: bytes) -> ThumbnailSignature:
    """Makes the signature of a thumbnail. Raises RejectedImage."""
    image = decode(thumbnail, 2 * KEPT_SIDE).image
    return ThumbnailSignature(image.resize((KEPT_SIDE, KEPT_SIDE), Image.Resampling.BOX))


class _Latest(Generic[K, V]):
    """Holds the values asked for last."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        if key not in self._values:
            self.put(key, make())
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: K, value: V) -> None:
        self._values[key] = value
        if len(self._values) > self._size:
            self._values.popitem(last=False)


def _rows(images: list[Image.Image]) -> Rows:
    return np.stack([np.asarray(image, dtype=np.float32).reshape(-1) for image in images])


def _unit(rows: Rows) -> Rows:
    around_zero = rows - rows.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(around_zero, axis=1, keepdims=True)
    unit: Rows = around_zero / np.maximum(norms, 1e-6)
    return unit
