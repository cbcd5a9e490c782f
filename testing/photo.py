"""Draws a picture with the gradients, texture and edges of a photo, of which no two rows or columns are alike."""

import numpy as np
from PIL import Image, ImageDraw


def photo_like() -> Image.Image:
    """Returns 480 x 360 pixels of soft light, strong colours, grain and edges."""
    y, x = np.mgrid[0:360, 0:480] / 480
    light = 90 + 70 * np.sin(3 * x + 1) * np.cos(2 * y)
    grain = np.random.default_rng(7).normal(0, 6, (360, 480))
    channels = (light + 60 * x + grain, light + 30 * y + grain, light + 50 * (1 - x) + grain)
    image = Image.fromarray(np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((40, 60, 200, 220), fill=(210, 40, 30))
    draw.rectangle((260, 120, 420, 300), fill=(20, 140, 60))
    draw.polygon([(220, 340), (300, 180), (380, 340)], fill=(240, 200, 40))
    return image
