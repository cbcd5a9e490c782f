"""Checks that transparent pictures come on a backdrop that shows them."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from library.images import decode, thumbnail

CLEAR = (0, 0, 0, 0)


def drawn(colour, mode="RGBA"):
    image = Image.new(mode, (200, 200), CLEAR if mode == "RGBA" else (0, 0))
    ImageDraw.Draw(image).ellipse((50, 50, 150, 150), fill=colour)
    return image


def contrast(data):
    return float(np.asarray(decode(data).image.convert("L"), np.float32).std())


@pytest.mark.parametrize("colour", ["white", (250, 252, 248, 255), "black", "red", (128, 128, 128, 255)])
def test_a_shape_of_any_colour_is_seen(written, colour):
    assert contrast(written(drawn(colour))) > 25


def test_white_on_transparent_is_seen_in_greys_and_palettes_too(written):
    assert contrast(written(drawn((255, 255), "LA"))) > 25
    palette = drawn("white").convert("P")
    assert contrast(written(palette, "GIF", transparency=palette.getpixel((0, 0)))) > 25


def test_the_thumbnail_shows_it_as_well(written):
    shown = decode(thumbnail(decode(written(drawn("white"))))).image
    assert np.asarray(shown, np.float32).std() > 25


@pytest.mark.parametrize("colour", ["black", "red"])
def test_what_shows_on_white_stays_on_white(written, colour):
    assert decode(written(drawn(colour))).image.getpixel((0, 0)) == (255, 255, 255)


def test_a_white_picture_with_red_letters_stays_on_white(written):
    image = drawn("white")
    ImageDraw.Draw(image).rectangle((80, 90, 120, 110), fill="red")
    assert decode(written(image)).image.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(("other", "backdrop"), [("black", 128), ("red", 40), ((128, 128, 128, 255), 40)])
def test_of_a_picture_that_is_half_white_both_halves_are_seen(written, other, backdrop):
    image = drawn("white")
    ImageDraw.Draw(image).pieslice((50, 50, 150, 150), 0, 180, fill=other)
    shown = decode(written(image)).image
    assert shown.getpixel((0, 0)) == (backdrop,) * 3
    assert shown.getpixel((100, 80)) == (255, 255, 255)


def test_a_picture_that_fills_its_frame_stays_on_white(written):
    image = Image.new("RGBA", (200, 200), "white")
    image.paste("black", (0, 0, 200, 100))
    image.putpixel((0, 199), CLEAR)
    assert decode(written(image)).image.getpixel((0, 199)) == (255, 255, 255)


def test_an_opaque_white_picture_stays_white(written):
    assert decode(written(Image.new("RGBA", (20, 20), "white"))).image.getextrema() == ((255, 255),) * 3
