"""Reads a HEIC of 200 megapixels: whole, since its decoder knows no other way, but never as a picture of that size."""

from io import BytesIO

import numpy as np
import pi_heif
from PIL import Image

MAX_WHOLE_PIXELS = 1 << 28  # for which the decoder takes 1.2 GB


def reduced(data: bytes, short_side: int) -> Image.Image:
    """Returns the picture upright, reduced to at least `short_side` pixels on its shorter side."""
    told = pi_heif.HeifImageFile(BytesIO(data))
    file = pi_heif.open_heif(BytesIO(data), convert_hdr_to_8bit=True)
    rows = np.frombuffer(file.data, np.uint8).reshape(file.size[1], file.stride)
    factor = max(1, min(file.size) // short_side)
    small = Image.new(file.mode, (file.size[0] // factor, file.size[1] // factor))
    for top in range(small.height):
        band = rows[top * factor : (top + 1) * factor]
        line = Image.frombuffer(file.mode, (file.size[0], factor), band, "raw", file.mode, file.stride, 1)
        small.paste(line.reduce(factor), (0, top))
    small.info = dict(told.info)
    return small
