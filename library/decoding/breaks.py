"""Finds where the colours of a damaged JPEG break: what follows the damage in its one scan has another brightness.

A straight edge breaks alike, so only pictures that are known to be damaged are looked at, and only where blocks meet.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LEAST_STEP = 5  # of 255, from one row to the next; less is hardly seen
ABOVE_OTHERS = 4  # times as much as nearly all other rows differ from the next
NEARLY_ALL = 97  # percent


def share_above_break(image: Image.Image, block: int) -> float:
    """Returns the share of the rows that lie above the first blocks from which on all is darker, brighter or tinted;
    `block` is the height of a block in rows, in the size that the picture was decoded in."""
    pixels = np.asarray(image.convert("RGB"), np.int16)
    if len(pixels) <= 2 * block:
        return 1.0
    steps = np.diff(pixels, axis=0)
    least = max(LEAST_STEP, ABOVE_OTHERS * float(np.percentile(_sizes(steps), NEARLY_ALL)))
    tops = np.arange(block - 1, len(steps) - block, block)
    half = pixels.shape[1] // 2
    # Damage amid a row of blocks is seen above its right part, and below its left one.
    amid = np.concatenate([steps[tops + block, :half], steps[tops, half:]], axis=1)
    breaks = (np.maximum(_sizes(steps[tops]), _sizes(amid)) > least).nonzero()[0]
    return float(tops[breaks[0]] + 1) / len(pixels) if len(breaks) else 1.0


def _sizes(steps: NDArray[np.int16]) -> NDArray[Any]:
    """Returns how far the middle pixel of each row differs from that below, in the colour where it does most."""
    sizes: NDArray[Any] = np.abs(np.median(steps, axis=1)).max(axis=1)
    return sizes
