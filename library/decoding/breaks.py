"""Finds where the colours of a damaged JPEG break: what follows the damage in its one scan has another brightness.

A straight edge breaks alike, so only pictures that are known to be damaged are looked at, and only where blocks meet.
"""

import numpy as np
from PIL import Image

BLOCK = 8  # rows
LEAST_STEP = 5  # of 255, from one row to the next; less is hardly seen
ABOVE_OTHERS = 4  # times as much as nearly all other rows differ from the next
NEARLY_ALL = 97  # percent


def share_above_break(image: Image.Image, full_height: int) -> float:
    """Returns the share of the rows that lie above the first one from which on all is darker, brighter or tinted;
    `full_height` is the picture's before it was drafted."""
    pixels = np.asarray(image.convert("RGB"), np.int16)
    if len(pixels) < 2:
        return 1.0
    steps = np.abs(np.median(np.diff(pixels, axis=0), axis=1)).max(axis=1)
    block = max(1, BLOCK * len(pixels) // full_height)
    breaks = (steps > max(LEAST_STEP, ABOVE_OTHERS * np.percentile(steps, NEARLY_ALL))).nonzero()[0] + 1
    between_blocks = breaks[breaks % block == 0]
    return float(between_blocks[0]) / len(pixels) if len(between_blocks) else 1.0
