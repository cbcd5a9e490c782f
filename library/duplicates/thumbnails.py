"""Tells by thumbnails whether two pictures are the same one: as they are, or with the edges of one cut off."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from library.errors import LikenessError, StoreUnavailable
from library.images import ContentId, decode

ALIKE = 0.96
MOST_DIFFERENT = 40.0  # of 255: in no part differ copies more, and other pictures of the same frame or layout less
WORTH_ALIGNING = 0.7
SIDE = 16  # px, of what is compared
KEPT_SIDE = 48  # px, of what that is cut out of
SCALES = (0.975, 0.95, 0.925)
STEPS = (0.0125, 0.00625)  # of a side, by which an edge is moved to where it fits
MOST_CUT = 0.1  # of a side
FLAT = 2.0  # of 255: less contrast than this is none to correlate
SAME_SHADE = 6.0
SIGNATURES_HELD = 8_000
WINDOWS_HELD = 1_000

Rows = NDArray[np.float32]
Box = tuple[float, float, float, float]  # left, top, right and bottom, as shares of the sides
WHOLE: Box = (0, 0, 1, 1)
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

    def parts(self, boxes: Sequence[Box]) -> Rows:
        """Returns parts of the picture as rows of numbers."""
        width, height = self.image.size
        cut = [(left * width, top * height, right * width, bottom * height) for left, top, right, bottom in boxes]
        return _rows([self.image.resize((SIDE, SIDE), Image.Resampling.BOX, box=box) for box in cut])

    def windows(self) -> Rows:
        """Returns a unit row for each part of the picture that is nearly all of it."""
        return _unit(self.parts(_nearly_all()))


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
        if score < WORTH_ALIGNING:
            return False
        if score >= ALIKE:
            return _shows_all_of(first, second, WHOLE) or _shows_all_of(second, first, WHOLE)
        return self._is_nearly_all_of(one, first, second) or self._is_nearly_all_of(other, second, first)

    def _signature(self, id: ContentId) -> ThumbnailSignature | None:
        return self._signatures.get(id, lambda: self._read(id))

    def _is_nearly_all_of(self, id: ContentId, whole: ThumbnailSignature, part: ThumbnailSignature) -> bool:
        scores = (self._windows.get(id, whole.windows) @ part.unit.T)[:, 0]
        best = int(scores.argmax())
        return float(scores[best]) >= ALIKE and _shows_all_of(whole, part, _nearly_all()[best])

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


def _nearly_all() -> list[Box]:
    at = (0, 0.5, 1)
    places = [(scale, left * (1 - scale), top * (1 - scale)) for scale in SCALES for left in at for top in at]
    return [(left, top, left + scale, top + scale) for scale, left, top in places]


def _shows_all_of(whole: ThumbnailSignature, part: ThumbnailSignature, box: Box) -> bool:
    """Returns whether a picture within about that box of another differs nowhere more than a copy does.

    Two motorbikes in the same frame are as alike all in all as a picture and its copy.
    """
    if _difference(whole.parts([box]), part.pixels) <= MOST_DIFFERENT:
        return True
    return _difference(whole.parts([_fitted(whole, part, box)]), part.pixels) <= MOST_DIFFERENT


def _difference(whole: Rows, part: Rows) -> float:
    """Returns by how much the pixels differ in equal contrast and brightness: 99 of a hundred by no more."""
    one, other = whole - whole.mean(), part - part.mean()
    contrast = float((one * other).sum() / max(1e-6, float((one * one).sum())))
    return float(np.percentile(np.abs(contrast * one - other), 99))


def _fitted(whole: ThumbnailSignature, part: ThumbnailSignature, box: Box) -> Box:
    """Returns the box once its edges are where that part of the picture is most like the other picture."""
    best = -1.0
    for step in STEPS:
        while True:
            moved = [box, *(_with_edge(box, edge, by) for edge in range(4) for by in (-step, step))]
            scores = (_unit(whole.parts(moved)) @ part.unit.T)[:, 0]
            if float(scores.max()) <= best:
                break
            best, box = float(scores.max()), moved[int(scores.argmax())]
    return box


def _with_edge(box: Box, edge: int, by: float) -> Box:
    least = 0.0 if edge < 2 else 1 - MOST_CUT
    left, top, right, bottom = (
        min(least + MOST_CUT, max(least, each + by)) if at == edge else each for at, each in enumerate(box)
    )
    return left, top, right, bottom


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
