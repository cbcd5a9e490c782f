"""Checks that pictures which take more memory for each pixel take more of what all share."""

import numpy as np
import pytest
from PIL import Image

from library.decoding import memory_cost, pixel_budget
from library.decoding.memory_cost import cost_of
from library.decoding.opening import source_of
from library.images import decode

SIDE = 40


@pytest.fixture
def cost(monkeypatch):
    """Returns what a picture costs for each of its pixels, where ten times ten pixels are small."""
    monkeypatch.setattr(memory_cost, "SMALL", 100)

    def cost(data, short_side=4, **given):
        image = source_of(data).opened(data, short_side)
        return cost_of(image, short_side, **given) / (image.width * image.height)

    return cost


def plain(colour="RGB"):
    return Image.new(colour, (SIDE, SIDE))


def test_an_ordinary_picture_costs_its_pixels_and_twice_as_many_where_it_comes_whole(written, cost):
    for format in ("PNG", "PPM", "BMP"):
        assert cost(written(plain(), format)) == pytest.approx(1, abs=0.02)
        assert cost(written(plain(), format), short_side=SIDE) == pytest.approx(2)


def test_formats_and_depths_that_take_more_memory_cost_more(written, cost):
    grey = written(Image.fromarray(np.zeros((SIDE, SIDE), np.uint16)), "PNG")
    assert cost(grey) < 1.1 and cost(grey, short_side=SIDE) == pytest.approx(5)
    assert cost(written(plain("RGBA"), "PNG"), short_side=SIDE) > 3
    assert cost(written(plain("P"), "PNG", transparency=0), short_side=SIDE) > 3
    assert cost(written(plain(), "PNG"), has_lower_bytes=True) > 3.5
    assert cost(written(plain(), "WEBP")) > 3 and cost(written(plain(), "GIF")) > 3


def test_a_small_picture_that_is_not_ordinary_is_counted_as_one_that_comes_whole(written, cost, monkeypatch):
    monkeypatch.setattr(memory_cost, "SMALL", SIDE * SIDE)
    assert cost(written(plain(), "PNG")) == pytest.approx(1, abs=0.02)
    assert cost(written(plain("RGBA"), "PNG")) > 3


def test_what_is_small_and_takes_much_all_the_same_is_counted_so(written, cost, monkeypatch):
    monkeypatch.setattr(memory_cost, "SMALL", SIDE * SIDE)
    still, blank = cost(written(plain(), "AVIF")), Image.new("RGB", (SIDE, SIDE), "white")
    assert still > 2
    for format, least in (("AVIF", 19.6), ("PNG", 16.2), ("WEBP", 17)):  # bytes for each pixel, as measured
        animated = written(blank, format, save_all=True, append_images=[plain(), blank])
        assert cost(animated, short_side=SIDE) * memory_cost.ORDINARY > least, format
    assert cost(written(plain(), "JPEG", progressive=True)) * memory_cost.ORDINARY > 7.6
    assert cost(written(plain("CMYK"), "JPEG", progressive=True)) * memory_cost.ORDINARY > 9.8


def test_a_tiff_that_pillow_does_not_read_takes_its_share_too(written, monkeypatch):
    monkeypatch.setattr(pixel_budget, "UNCOUNTED", 100)
    taken = []

    class Noted(pixel_budget.PixelBudget):
        def take(self, pixels, is_begun=False):
            taken.append(pixels)
            return super().take(pixels, is_begun)

    decode(written(Image.fromarray(np.zeros((SIDE, SIDE), np.int32)), "TIFF"), within=Noted())
    assert taken and taken[0] > 4 * SIDE * SIDE
