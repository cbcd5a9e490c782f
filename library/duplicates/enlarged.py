"""Tells whether the larger of two copies of a picture was only enlarged, and holds nothing that the other lacks.

A small picture has no waves finer than its own pixels. What an enlarged copy has of them was made by enlarging, and
sharpening makes it stronger: enlarge the small one, and each kind of wave is the same, but for one factor. In a larger
original these waves are its own. Compression takes them away first: a coarse JPEG whose fine waves are no stronger than
those that enlarging makes holds no more than the small one either, whether or not it once did.

Of photos that were enlarged 1.25 to 3 times the factor explains mostly 80 to 100 % of the finer waves, of larger
originals 8 to 30 %, and up to 67 % where these are blurred; `python -m benchmarks.enlarged` prints what comes of it.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from library.duplicates.detail import SIDE, WHOLE, luminance_table, waves_of
from library.images import Decode, decode

WINDOW = 512  # pixels of a side that are compared, in the middle
FINER = 1.03  # of the finest waves that the small picture has
EXPLAINED = 0.75
AS_STRONG = 1.2
COARSE = 40.0  # the mean step of a table: that of quality 65
KERNELS = tuple(getattr(Image.Resampling, name) for name in ("NEAREST", "BILINEAR", "BICUBIC", "LANCZOS"))

Waves = NDArray[np.float32]


def is_enlarged(larger: bytes, smaller: bytes, decode: Decode = decode) -> bool:
    """Returns whether the larger picture holds no finer waves of its own. Raises RejectedImage.

    Of pictures that are nearly as large as each other nothing is told: False.
    """
    own, small = decode(larger, WHOLE).image.convert("L"), decode(smaller, WHOLE).image.convert("L")
    fineness = _fineness(small.width / own.width, small.height / own.height)
    finer, next_finer = fineness > FINER, (fineness >= 0.5) & (fineness <= 0.97)
    if not finer.any() or min(own.size) < 2 * SIDE:
        return False
    window = _window(own)
    found, table = waves_of(own.crop(window)), luminance_table(larger)
    energy = np.square(found).sum(0)
    explained, made = 0.0, 0.0
    for kernel in KERNELS:
        waves = waves_of(_enlarged(small, own, window, kernel))
        its_energy = np.square(waves).sum(0)
        shared = np.square((found * waves).sum(0)) / np.maximum(its_energy, 1e-9)
        # A JPEG rounds each wave to its step: to nothing, or by a twelfth of its square in the mean.
        factor = shared / np.maximum(its_energy, 1e-9)
        rounded = np.minimum(factor * np.square(waves), np.square(table) / 12).sum(0)
        shared = np.minimum(shared + rounded, energy)
        explained = max(explained, float(shared[finer].sum() / max(energy[finer].sum(), 1e-9)))
        if kernel != Image.Resampling.NEAREST:  # which makes stronger waves than any picture has
            made = max(made, _strength(its_energy, finer, next_finer))
    is_coarse = float(table.mean()) > COARSE
    return explained >= EXPLAINED or (is_coarse and _strength(energy, finer, next_finer) <= AS_STRONG * made)


def _strength(energy: Waves, finer: NDArray[np.bool_], next_finer: NDArray[np.bool_]) -> float:
    """Returns how strong the finer waves are beside the finest ones that the small picture has, too."""
    beside = float(energy[next_finer].mean()) if next_finer.any() else 0.0
    return float(energy[finer].mean()) / max(beside, 1e-9)


def _fineness(across: float, down: float) -> Waves:
    """Returns how fine each wave is, 1 for the finest that the small picture can have."""
    at = np.arange(SIDE, dtype=np.float32) / SIDE
    return np.maximum(at[:, np.newaxis] / down, at[np.newaxis, :] / across)


def _window(image: Image.Image) -> tuple[int, int, int, int]:
    """Returns the middle of a picture, as squares of a JPEG lie."""
    left, top = (max(0, (side - WINDOW) // 2) // SIDE * SIDE for side in image.size)
    return left, top, min(image.width, left + WINDOW), min(image.height, top + WINDOW)


def _enlarged(
    small: Image.Image, large: Image.Image, window: tuple[int, int, int, int], kernel: Image.Resampling
) -> Image.Image:
    """Returns what lies in the window of a picture, from the small one."""
    across, down = small.width / large.width, small.height / large.height
    left, top, right, bottom = window
    box = (left * across, top * down, min(right * across, small.width), min(bottom * down, small.height))
    return small.resize((right - left, bottom - top), kernel, box)
