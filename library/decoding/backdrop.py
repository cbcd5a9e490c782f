"""Lays transparent pictures on the backdrop that shows them."""

import numpy as np
from PIL import Image

Colour = tuple[int, int, int]
WHITE, DARK = (255, 255, 255), (40, 40, 40)
GREYS = ("1", "L", "LA", "La")
SAMPLED_SIDE = 256  # px: enough to judge a picture by
STANDS_OUT = 40  # of 255: how far a pixel has to be from white to be seen on it
LEAST_SEEN = 0.05  # of what is not transparent


def opaque(image: Image.Image) -> Image.Image:
    """Returns the picture without transparency: on white, or on a dark grey where next to nothing would show on
    white."""
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
    """Returns the colour that shows a transparent picture."""
    return WHITE if _shows_on_white(image) else DARK


def _shows_on_white(image: Image.Image) -> bool:
    width, height = (min(side, SAMPLED_SIDE) for side in image.size)
    sample = np.asarray(image.convert("RGBa").resize((width, height), Image.Resampling.BOX), np.float32)
    colours, weights = sample[..., :3], sample[..., 3]
    distances = weights - colours.min(axis=2)  # from white, as strong as the pixel covers what is below it
    seen = weights[distances > STANDS_OUT * weights / 255].sum()
    return weights.sum() == 0 or bool(seen >= LEAST_SEEN * weights.sum())
