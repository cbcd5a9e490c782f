"""Checks that a large picture reduced band by band is the one that is reduced as a whole."""

import numpy as np
import pytest
from PIL import ExifTags, Image

from library import images
from library.decoding import opening, reducing, webp
from library.errors import RejectedImage
from library.images import decode, grey


def pictures():
    noise = np.random.default_rng(1).integers(0, 256, (203, 301, 4), np.uint8)
    flat = np.full((203, 301, 4), (200, 30, 30, 90), np.uint8)
    for array in (noise, flat):
        rgba = Image.fromarray(array)
        yield from ((mode, rgba.convert(mode)) for mode in ("RGB", "RGBA", "LA", "L", "P"))
        yield "I;16", Image.fromarray(array[..., 0].astype(np.uint16) * 200)


@pytest.fixture
def large(monkeypatch):
    """Makes every picture count as large, and the bands a few rows high."""

    def set():
        monkeypatch.setattr(images, "SMALL", 0)
        monkeypatch.setattr(reducing, "BAND", 301 * 7)

    return set


def test_a_large_picture_is_the_one_that_a_small_one_of_its_kind_is(written, large):
    files = [(mode, side, written(image, "PNG")) for mode, image in pictures() for side in (300, 50, 30)]
    as_a_whole = [np.asarray(decode(data, side).image, np.int16) for _, side, data in files]
    large()
    for (mode, side, data), expected in zip(files, as_a_whole, strict=True):
        found = np.asarray(decode(data, side).image, np.int16)
        assert found.shape == expected.shape, (mode, side)
        assert np.abs(found - expected).max() <= (6 if mode == "I;16" else 3), (mode, side)


def test_a_very_large_picture_comes_with_half_its_sides_and_in_grey_with_all(written, large, monkeypatch):
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    files = [written(image, "PNG", exif=turned) for _, image in pictures()]
    whole = [np.asarray(decode(data, 400).image.convert("L"), np.int16) for data in files]
    monkeypatch.setattr(opening, "MOST_WHOLE_PIXELS", 60_000)
    large()
    for data, expected in zip(files, whole, strict=True):
        half = decode(data, 400)
        assert (half.image.size, half.width, half.height) == ((102, 151), 203, 301)
        found = grey(data).astype(np.int16)
        assert found.shape == expected.shape == (301, 203)
        assert np.abs(found - expected).max() <= 3


def test_what_takes_a_decoder_too_much_memory_is_told_by_the_size_in_its_head(written, monkeypatch):
    data = written(Image.new("RGB", (60, 50)), "WEBP")
    monkeypatch.setitem(opening.MOST_PIXELS, "WEBP", 2_999)
    with pytest.raises(RejectedImage, match="more than 1 megapixels"):
        decode(data)


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0"}], ids=str)
def test_a_webp_that_is_too_large_is_told_so_before_its_decoder_takes_any_memory(written, monkeypatch, options):
    data = written(Image.new("RGB", (60, 50)), "WEBP", **options)
    assert webp.size_of(data) == (60, 50)

    def without_memory(*_, **__):
        raise OSError("could not create decoder object")

    monkeypatch.setitem(opening.MOST_PIXELS, "WEBP", 2_999)
    monkeypatch.setattr(Image, "open", without_memory)
    with pytest.raises(RejectedImage, match="more than 1 megapixels"):
        decode(data)


@pytest.mark.parametrize(
    "said", ["out of memory error when reading image file", "Failed to decode frame 0: Out of memory"]
)
def test_memory_that_a_decoder_does_not_get_is_no_damage(written, monkeypatch, said):
    def without_memory(*_, **__):
        raise OSError(said)

    monkeypatch.setattr(Image, "open", without_memory)
    with pytest.raises(RejectedImage, match="needs more memory"):
        decode(written(Image.new("RGB", (60, 50)), "PNG"))
