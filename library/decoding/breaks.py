"""Finds where the colours of a damaged JPEG break: what follows the damage in its one scan has another brightness.

A straight horizon breaks alike, so only pictures that are known to be damaged are looked at.
"""

import numpy as np
from PIL import Image

LEAST_STEP = 5  # of 255, from one row to the next; less is hardly seen
ABOVE_OTHERS = 4  # times as much as nearly all other rows differ from the next
NEARLY_ALL = 97  # percent


def share_above_break(image: Image.Image) -> float:
    """Returns the share of the rows that lie above the first one from which on all is darker, brighter or tinted."""
    pixels = np.asarray(image.convert("RGB"), np.int16)
    if len(pixels) < 2:
        return 1.0
    steps = np.abs(np.median(np.diff(pixels, axis=0), axis=1)).max(axis=1)
    breaks = (steps > max(LEAST_STEP, ABOVE_OTHERS * np.percentile(steps, NEARLY_ALL))).nonzero()[0]
    return float(breaks[0] + 1) / len(pixels) if len(breaks) else 1.0
