"""Holds what the tests of decoding share: a picture like a photo, files of it, and how far two differ."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from testing.photo import photo_like


@pytest.fixture(scope="session")
def drawn() -> Image.Image:
    return photo_like()


@pytest.fixture
def photo(drawn) -> Image.Image:
    """Returns a picture of 480 x 360 pixels that is like a photo; Pillow writes into the pictures that it saves."""
    return drawn.copy()


@pytest.fixture
def written() -> Callable[..., bytes]:
    """Returns the bytes of a picture in a format."""

    def write(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
        buffer = BytesIO()
        image.save(buffer, format, **options)
        return buffer.getvalue()

    return write


@pytest.fixture
def difference() -> Callable[..., float]:
    """Returns the mean difference of two pictures, of 255."""

    def between(one: Image.Image, other: Image.Image) -> float:
        pair = [np.asarray(each.convert("RGB").resize((120, 90)), np.float32) for each in (one, other)]
        return float(np.abs(pair[0] - pair[1]).mean())

    return between
