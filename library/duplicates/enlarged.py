"""Tells whether the larger of two copies of a picture was only enlarged, and holds nothing that the other lacks.

A small picture has no waves finer than its own pixels. What an enlarged copy has of them was made by enlarging, and
sharpening makes it stronger: enlarge the small one, and each kind of wave is the same, but for one factor. In a larger
original these waves are its own. Compression takes them away first: a coarse JPEG whose fine waves are no stronger than
those that enlarging makes holds no more than the small one either, whether or not it once did.

Of photos that were enlarged 1.25 to 3 times the factor explains mostly 80 to 100 % of the finer waves, of larger
originals 8 to 30 %, and up to 67 % where these are blurred; `python -m benchmarks.enlarged` prints what comes of it.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from library.duplicates.detail import SIDE, luminance_table, waves_of
from library.images import Grey, Greyed, grey

WINDOW = 512  # pixels of a side that are compared, in the middle
FINER = 1.03  # of the finest waves that the small picture has
EXPLAINED = 0.75
AS_STRONG = 1.2
COARSE = 40.0  # the mean step of a table: that of quality 65
FLAT = 1e-3  # squared levels of grey in each square: rounding to whole levels alone makes 1/12
REACH = 4  # pixels from which a kernel gathers a new one, and one more
KERNELS = tuple(getattr(Image.Resampling, name) for name in ("NEAREST", "BILINEAR", "BICUBIC", "LANCZOS"))

Waves = NDArray[np.float32]
Window = tuple[int, int, int, int]
Verdict = Literal["larger", "enlarged", "unsure"]


def is_enlarged(larger: bytes, smaller: bytes, grey: Greyed = grey) -> bool:
    """Returns whether the larger picture surely holds no finer waves of its own. Raises RejectedImage."""
    return compared(larger, smaller, grey) == "enlarged"


def compared(larger: bytes, smaller: bytes, grey: Greyed = grey) -> Verdict:
    """Returns whether the larger picture holds no finer waves of its own, which is unsure where they are no stronger
    than enlarging makes them: as in a JPEG of an enlarged copy, and in a blurred original. Raises RejectedImage.

    Of pictures that are nearly as large as each other nothing is told: "larger".
    """
    shown, window, size = _middle(grey(larger))  # and no more of it, while the other waits for its turn
    small = _Beneath.of(grey(smaller), window, size)
    fineness = _fineness(small.across, small.down)
    finer, next_finer = fineness > FINER, (fineness >= 0.5) & (fineness <= 0.97)
    if not finer.any() or min(size) < 2 * SIDE:
        return "larger"
    found, table = waves_of(shown), luminance_table(larger)
    energy = np.square(found).sum(0)
    if float(energy[finer].mean()) < FLAT * len(found):
        return "larger"
    explained, made = 0.0, 0.0
    for kernel in KERNELS:
        waves = waves_of(np.asarray(small.image.resize(shown.shape[::-1], kernel, small.box)))
        its_energy = np.square(waves).sum(0)
        shared = np.square((found * waves).sum(0)) / np.maximum(its_energy, 1e-9)
        # A JPEG rounds each wave to its step: to nothing, or by a twelfth of its square in the mean.
        factor = shared / np.maximum(its_energy, 1e-9)
        rounded = np.minimum(factor * np.square(waves), np.square(table) / 12).sum(0)
        shared = np.minimum(shared + rounded, energy)
        explained = max(explained, float(shared[finer].sum() / max(energy[finer].sum(), 1e-9)))
        if kernel != Image.Resampling.NEAREST:  # which makes stronger waves than any picture has
            made = max(made, _strength(its_energy, finer, next_finer))
    if explained >= EXPLAINED:
        return "enlarged"
    if _strength(energy, finer, next_finer) > AS_STRONG * made:
        return "larger"
    return "enlarged" if float(table.mean()) > COARSE else "unsure"


def _strength(energy: Waves, finer: NDArray[np.bool_], next_finer: NDArray[np.bool_]) -> float:
    """Returns how strong the finer waves are beside the finest ones that the small picture has, too."""
    beside = float(energy[next_finer].mean()) if next_finer.any() else 0.0
    return float(energy[finer].mean()) / max(beside, 1e-9)


def _fineness(across: float, down: float) -> Waves:
    """Returns how fine each wave is, 1 for the finest that the small picture can have."""
    at = np.arange(SIDE, dtype=np.float32) / SIDE
    return np.maximum(at[:, np.newaxis] / down, at[np.newaxis, :] / across)


def _middle(image: Grey) -> tuple[Grey, Window, tuple[int, int]]:
    """Returns the middle of a picture, as squares of a JPEG lie, with its place, and the size of the picture."""
    height, width = image.shape
    left, top = (max(0, (side - WINDOW) // 2) // SIDE * SIDE for side in (width, height))
    right, bottom = min(width, left + WINDOW), min(height, top + WINDOW)
    return image[top:bottom, left:right].copy(), (left, top, right, bottom), (width, height)


@dataclass(frozen=True)
class _Beneath:
    """Holds what of a small picture lies in a window of a large one: a part of it, and the place in that."""

    image: Image.Image
    box: tuple[float, float, float, float]
    across: float  # how much smaller it is
    down: float

    @classmethod
    def of(cls, small: Grey, window: Window, size: tuple[int, int]) -> "_Beneath":
        height, width = small.shape
        across, down = width / size[0], height / size[1]
        left, top, right, bottom = window
        box = (left * across, top * down, min(right * across, width), min(bottom * down, height))
        margin = math.ceil(REACH * max(1, across, down))
        x, y = max(0, int(box[0]) - margin), max(0, int(box[1]) - margin)
        part = small[y : math.ceil(box[3]) + margin, x : math.ceil(box[2]) + margin]
        return cls(Image.fromarray(part), (box[0] - x, box[1] - y, box[2] - x, box[3] - y), across, down)
