"""Tells a picture's copies from other pictures that look much like it when they are made small."""

from io import BytesIO

import pytest
from PIL import Image, ImageDraw, ImageFilter

from library.duplicates.thumbnails import ThumbnailSignatures

SIZE = (320, 240)


def framed(colour):
    """Returns a vehicle of a colour in front of black, in a broad white frame."""
    image = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((40, 30, 280, 210), "black")
    draw.polygon([(100, 150), (140, 100), (200, 95), (230, 150)], colour)
    for at in (110, 210):
        draw.ellipse((at - 25, 140, at + 25, 190), outline="gray", width=8)
    return image.filter(ImageFilter.GaussianBlur(2))


def saved(image, **options):
    buffer = BytesIO()
    image.save(buffer, "JPEG", **{"quality": 85} | options)
    return buffer.getvalue()


@pytest.fixture
def is_same():
    def compare(one, other):
        signatures = ThumbnailSignatures({"one": one, "other": other}.__getitem__)
        return signatures.is_same_image("one", "other") and signatures.is_same_image("other", "one")

    return compare


@pytest.mark.parametrize("other", ["red", "orangered", "magenta"])
def test_another_motif_in_the_same_frame_is_another_picture(is_same, other):
    assert not is_same(saved(framed("yellow")), saved(framed(other)))


@pytest.mark.parametrize(
    "copy",
    [
        framed("yellow").resize((160, 120)),
        framed("yellow").crop((3, 0, 310, 231)),
        framed("yellow").crop((10, 8, 320, 240)),
        framed("yellow").point(lambda value: value * 0.9 + 10),
    ],
)
def test_a_smaller_cut_or_fainter_copy_is_the_same_picture(is_same, copy):
    assert is_same(saved(framed("yellow")), saved(copy, quality=30))
