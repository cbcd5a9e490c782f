"""Measures how much detail is really in a picture: what share of its finest structure its file still holds.

A picture is cut into squares of 8 x 8 pixels, as JPEG cuts it, and each is split into waves of 63 kinds. Compression
saves room by leaving waves out: the share of those that are there falls with the quality, whatever file the pixels came
to lie in afterwards. A wave counts in a JPEG from half the step on in which its table holds it, for what is smaller
was not in the file but came with its decoding. WebP, AVIF and HEIC split a picture otherwise and smear what another
file had left out into small waves of their own, so that only large ones count there.
"""

import math
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from library.decoding.exif import bound_exif
from library.decoding.formats import format_of
from library.images import Grey, Greyed, grey

SIDE = 8
MOST_PIXELS = 2_000_000  # of rows of squares that are spread over the picture
LEAST_SHARE = 1e-4
TELLING_RATIO = 1.05
LEAST_OF_OTHERS = 16.0
LOSSLESS = {"PNG", "BMP", "TIFF", "GIF", "PPM"}
LEAST_WAVE = 1.5  # of 255: rounding to whole numbers alone makes waves of a third

Squares = NDArray[np.float32]


@dataclass(frozen=True)
class Detail:
    """Holds the share of waves that are there, from 0 to 1, and the mean step in which a JPEG's table keeps them."""

    share: float
    step: float  # 1 for a file without a table

    @property
    def rank(self) -> tuple[int, float]:
        """Returns what is larger for more detail: shares of about the same are the same, and then the step decides."""
        return round(math.log(max(self.share, LEAST_SHARE)) / math.log(TELLING_RATIO)), -self.step


def rank_of(detail: Detail | None) -> tuple[float, float]:
    """Returns the rank of a picture whose detail may be unknown, which is the lowest."""
    return detail.rank if detail else (-math.inf, -math.inf)


def detail_of(data: bytes, grey: Greyed = grey) -> Detail:
    """Returns how much detail there is in a picture. Raises RejectedImage."""
    waves = np.abs(waves_of(grey(data)))
    table = luminance_table(data)
    least = np.maximum(_least_wave(data, format_of(data)), table / 2 - 0.5)
    least[0, 0] = np.inf  # the mean is no detail
    share = float((waves >= least).sum() / max(1, len(waves) * (SIDE * SIDE - 1)))
    return Detail(round(share, 4), float(table.mean()))


def _least_wave(data: bytes, format: str) -> float:
    is_lossless = format in LOSSLESS or (data[8:12] == b"WEBP" and b"VP8L" in data[:64])
    return LEAST_WAVE if is_lossless or format == "JPEG" else LEAST_OF_OTHERS


def waves_of(image: Grey) -> Squares:
    """Returns the waves of every square of a picture, of a large one those of some rows."""
    waves: Squares = np.asarray(_WAVES @ _squares(image) @ _WAVES.T, np.float32)
    return waves


def luminance_table(data: bytes) -> Squares:
    """Returns the steps of a JPEG's first table, all 1 for any other file."""
    bound_exif()
    try:
        with Image.open(BytesIO(data), formats=["JPEG", "MPO"]) as opened:
            tables = getattr(opened, "quantization", None) or {}
    except Exception:  # what cannot be opened here may be decoded all the same
        tables = {}
    steps = tables.get(0)
    if steps is None or len(steps) != SIDE * SIDE:
        return np.ones((SIDE, SIDE), np.float32)
    return np.asarray(steps, np.float32).reshape(SIDE, SIDE)


def _squares(image: Grey) -> Squares:
    rows, columns = image.shape[0] // SIDE, image.shape[1] // SIDE
    step = max(1, -(-image.size // MOST_PIXELS))
    bands = image[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE)[::step]
    return np.ascontiguousarray(bands.transpose(0, 2, 1, 3).reshape(-1, SIDE, SIDE), np.float32)


def _waves() -> Squares:
    """Returns the discrete cosine transform of one dimension as a matrix."""
    at = np.arange(SIDE)
    matrix = np.cos((2 * at[np.newaxis] + 1) * at[:, np.newaxis] * np.pi / (2 * SIDE)) * np.sqrt(2 / SIDE)
    matrix[0] /= np.sqrt(2)
    waves: Squares = matrix.astype(np.float32)
    return waves


_WAVES = _waves()
