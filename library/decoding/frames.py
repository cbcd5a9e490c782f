"""Chooses the frame of an animation that shows something."""

from contextlib import suppress
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from library.decoding.backdrop import opaque
from library.decoding.formats import MAX_PIXELS
from library.decoding.reducing import bands

ANIMATED = ("AVIF", "GIF", "PNG", "WEBP")
MOST_FRAMES = 200
MOST_SEARCHED = 60_000_000  # pixels, of which three frames are held at once
SAMPLED_SIDE = 32
SAME = 8  # of 255: less difference than this is none to see


def first_that_shows_something(image: ImageFile.ImageFile) -> Image.Image:
    """Returns the first frame that is not of one colour throughout; the first of all where every one is, or where
    there is but one. The picture has been loaded."""
    if image.format not in ANIMATED or image.width * image.height > MOST_SEARCHED or not is_blank(image):
        return image
    first = image.copy()
    with suppress(Exception):  # a frame that is damaged ends the animation
        for number in range(1, min(getattr(image, "n_frames", 1), most_frames(image.width * image.height))):
            image.seek(number)
            image.load()
            if not is_blank(image):
                return image
    return first


def most_frames(pixels: int) -> int:
    """Returns how many frames or pages are examined at most, by the pixels of each."""
    return max(2, min(MOST_FRAMES, MAX_PIXELS // max(1, pixels)))


def is_blank(image: Image.Image) -> bool:
    """Returns whether the picture is of one colour throughout, as far as an eye can tell."""
    if image.mode.startswith(("I", "F")):
        return False
    side = min(SAMPLED_SIDE, *image.size)
    return _is_even(image.resize((side, side), Image.Resampling.NEAREST)) and _is_even(image)  # the first tells most


def _is_even(image: Image.Image) -> bool:
    extrema: list[Any] = [opaque(band).convert("RGB").getextrema() for _, band in bands(image)]
    found = np.array(extrema)  # by band, colour, and low or high
    return bool((found[..., 1].max(axis=0) - found[..., 0].min(axis=0) < SAME).all())
