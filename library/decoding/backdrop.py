"""Lays transparent pictures on the backdrop that shows them."""

import numpy as np
from PIL import Image

Colour = tuple[int, int, int]
WHITE, DARK, GREY = (255, 255, 255), (40, 40, 40), (128, 128, 128)
GREYS = ("1", "L", "LA", "La")
SAMPLED_SIDE = 256  # px: enough to judge a picture by
STANDS_OUT = 40  # of 255: how far a pixel has to be from white to be seen on it
LEAST_SEEN = 0.05  # of what is not transparent
HALF_SEEN = (0.25, 0.67)  # with less than that it is paper with something on it, with more it is shown
MOST_COVERED = 0.9  # of the picture: its own frame shows where it ends


def opaque(image: Image.Image) -> Image.Image:
    """Returns the picture without transparency: on white, or on a dark or middle grey where next to nothing, or just a
    half, would show on white."""
    if not image.has_transparency_data:
        return image
    mode = "L" if image.mode in GREYS else "RGB"
    image = image.convert("RGBA")
    if image.getchannel("A").getextrema() == (255, 255):
        return image.convert(mode)
    return laid_on(image, backdrop_of(image)).convert(mode)


def laid_on(image: Image.Image, colour: Colour) -> Image.Image:
    """Returns an RGBA picture laid on a backdrop of one colour."""
    laid = Image.new("RGB", image.size, colour)
    laid.paste(image, mask=image.getchannel("A"))
    return laid


def backdrop_of(image: Image.Image) -> Colour:
    """Returns the colour that shows a transparent picture, of mode RGBA."""
    width, height = (min(side, SAMPLED_SIDE) for side in image.size)
    sample = np.asarray(image.convert("RGBa").resize((width, height), Image.Resampling.BOX), np.float32)
    colours, weights = sample[..., :3], sample[..., 3]
    seen = {backdrop: _seen_on(backdrop, colours, weights) for backdrop in (WHITE, DARK, GREY)}
    least, most = HALF_SEEN
    is_half_seen = least <= seen[WHITE] < most and weights.mean() <= 255 * MOST_COVERED
    if seen[WHITE] >= LEAST_SEEN and not is_half_seen:
        return WHITE
    return max(seen, key=lambda backdrop: seen[backdrop])


def _seen_on(backdrop: Colour, colours: np.ndarray, weights: np.ndarray) -> float:
    """Returns which share of the picture stands out from a backdrop; all of one that is not to be seen at all."""
    distances = abs(colours - weights[..., None] * (backdrop[0] / 255)).max(axis=2)  # as strong as a pixel covers it
    seen = weights[distances > STANDS_OUT * weights / 255].sum()
    return float(seen / weights.sum()) if weights.any() else 1.0
