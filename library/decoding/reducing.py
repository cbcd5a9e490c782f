"""Brings large pictures to RGB, grey or CMYK of 8 bits band by band, so that no second one of their size is made."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from library.decoding.backdrop import GREYS, SAMPLED_SIDE, Colour, backdrop_of, laid_on

BAND = 1 << 22  # pixels
DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "F")

Made = Callable[[Image.Image], Image.Image]


def reduced(image: Image.Image, factor: int, plain: Made) -> Image.Image:
    """Returns what `plain` makes of a picture, reduced by a whole factor.

    What is transparent is averaged by how much it covers, and what has more than 8 bits by its numbers, before `plain`
    sees it: the backdrop and the range are those of the whole picture.
    """
    if image.mode in DEEP:
        return plain(_joined(image, factor, lambda band: _mean(band, factor)))
    if image.has_transparency_data:
        colour, is_grey = backdrop_of(_sample(image)), image.mode in GREYS
        return _joined(image, factor, lambda band: plain(_laid(band, colour, is_grey)).reduce(factor))
    return _joined(image, factor, lambda band: plain(band).reduce(factor))


def bands(image: Image.Image, factor: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """Yields the picture in bands of whole factors of rows, each with its first row."""
    rows = max(1, BAND // image.width // factor) * factor
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _sample(image: Image.Image) -> Image.Image:
    """Returns a transparent picture much reduced, made without a second one of its size."""
    factor = max(1, min(image.size) // SAMPLED_SIDE)
    return _joined(image, factor, lambda band: band.convert("RGBA").convert("RGBa").reduce(factor)).convert("RGBA")


def _laid(band: Image.Image, colour: Colour, is_grey: bool) -> Image.Image:
    laid = laid_on(band.convert("RGBA"), colour)
    return laid.convert("L") if is_grey else laid


def _joined(image: Image.Image, factor: int, made: Made) -> Image.Image:
    whole: Image.Image | None = None
    for top, band in bands(image, factor):
        part = made(band)
        if whole is None:
            whole = Image.new(part.mode, (part.width, -(-image.height // factor)))
        whole.paste(part, (0, top // factor))
    assert whole is not None
    return whole


def _mean(band: Image.Image, factor: int) -> Image.Image:
    means = mean_of(np.asarray(band).astype(np.float32), factor)
    return Image.fromarray(means if band.mode == "F" else np.rint(means))  # whole numbers have ranges of their own


def mean_of(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Returns the means of squares of pixels as fractions; the first two axes are the rows and the columns."""
    for axis in (0, 1):
        begun = np.arange(0, values.shape[axis], factor)
        counts = np.diff(begun, append=values.shape[axis]).astype(np.float32)
        by_axis = counts.reshape([-1 if each == axis else 1 for each in range(values.ndim)])
        values = (np.add.reduceat(values, begun, axis) / by_axis).astype(np.float32)
    return values
