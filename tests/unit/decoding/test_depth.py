"""Checks that deep greys, deep colours, fractions and negative numbers are scaled to what is there."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from library.decoding import depth
from library.errors import RejectedImage
from library.images import decode
from testing.tiff_files import Directory, numbers_page, tiff


def deep_png(values, colour_type):
    """Returns a PNG of 16 bits, which Pillow does not write in colours."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colour_type, 0, 0, 0))]
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    written = (struct.pack(">I", len(b)) + a + b + struct.pack(">I", zlib.crc32(a + b)) for a, b in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_greys_of_any_depth_in_a_file_of_16_bits_look_alike(photo, written, difference, bits):
    grey = np.asarray(photo.convert("L"), np.float32)
    deep = Image.fromarray((grey * ((2**bits - 1) / 255)).astype(np.uint16))
    for format in ("PNG", "TIFF"):
        assert difference(decode(written(deep, format)).image, photo.convert("L")) < 2


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_colours_of_any_depth_in_a_file_of_16_bits_look_alike(photo, difference, bits):
    colours = (np.asarray(photo, np.float32) * ((2**bits - 1) / 255)).astype(np.uint16)
    assert difference(decode(deep_png(colours, 2)).image, photo) < 2


def test_alpha_has_the_range_of_its_colours_or_that_of_the_file(photo, difference):
    small = photo.reduce(4)
    for bits in (10, 12, 14, 16):
        colours = np.rint(np.asarray(small, np.float32) * ((2**bits - 1) / 255)).astype(np.uint16)
        for opaque in {2**bits - 1, 65_535}:
            with_alpha = np.dstack([colours, np.full(colours.shape[:2], opaque, np.uint16)])
            with_alpha[:20] = (65_535, 65_535, 65_535, 0)  # what cannot be seen has no say
            greys = with_alpha[..., 2:]
            apart = tiff([numbers_page(with_alpha, apart=True, t338=2)])
            together = [tiff([numbers_page(with_alpha, t338=each)]) for each in (1, 2)]
            for data in (deep_png(with_alpha, 6), *together, apart):
                assert _below(decode(data).image, small, difference) < 2, (bits, opaque)
            for data in (deep_png(greys, 4), tiff([numbers_page(greys, t338=2)])):
                assert _below(decode(data).image, small.getchannel("B"), difference) < 5, (bits, opaque)


def test_colours_that_were_multiplied_by_their_alpha_are_divided_by_it(photo, difference):
    small, paper = photo.reduce(4), Image.new("RGB", (120, 90), "white")
    for bits, most in ((10, 1023), (12, 65_535), (16, 65_535)):
        colours = np.asarray(small, np.float64) * ((2**bits - 1) / 255) / 2
        values = np.rint(np.dstack([colours, np.full(colours.shape[:2], most / 2)])).astype(np.uint16)
        values[0] = np.minimum(values[0] * 2, [*[2**bits - 1] * 3, most])
        shown = decode(tiff([numbers_page(values, t338=1)])).image.crop((0, 1, 120, 90))
        assert difference(shown, Image.blend(small, paper, 0.5).crop((0, 1, 120, 90))) < 2, (bits, most)


def _below(shown, expected, difference):
    box = (0, 20, expected.width, expected.height)
    return difference(shown.crop(box), expected.crop(box))


def test_large_colours_of_12_bits_are_reduced_before_they_are_scaled(photo, difference, monkeypatch):
    monkeypatch.setattr(depth, "LARGE", 1000)
    monkeypatch.setattr(depth, "REDUCED_TO", photo.width * photo.height // 4)
    picture = decode(deep_png(np.asarray(photo, np.uint16) * 16, 2))
    assert (picture.width, picture.height) == photo.size
    assert difference(picture.image, photo.reduce(2)) < 2


def test_colours_of_12_bits_are_turned_upright(photo, difference):
    data = deep_png(np.asarray(photo, np.uint16) * 16, 2)
    exif = b"eXIfMM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"
    data = data[:33] + struct.pack(">I", len(exif) - 4) + exif + struct.pack(">I", zlib.crc32(exif)) + data[33:]
    picture = decode(data)
    assert (picture.width, picture.height) == (360, 480)
    assert difference(picture.image, photo.rotate(-90, expand=True)) < 2


@pytest.mark.parametrize("scale", [0.25, 1, 1.05, 1.5, 8, 255, 300, 4095, 5000, 1e6])
def test_fractions_of_any_size_look_alike(photo, written, difference, scale):
    grey = np.asarray(photo.convert("L"), np.float32)
    values = Image.fromarray(grey / grey.max() * np.float32(scale))
    assert (
        difference(decode(written(values, "TIFF")).image, Image.fromarray((grey * (255 / grey.max())).astype(np.uint8)))
        < 2
    )


def test_only_whole_numbers_among_floats_have_the_ranges_of_sensors(photo, written, difference):
    colours = np.asarray(photo, np.float32)[::4, ::4]
    full = Image.fromarray(np.rint(colours * (255 / colours.max())).astype(np.uint8))
    for largest in (1.05, 1.5, 300):
        values = (colours / colours.max() * largest).astype(np.float32)
        assert difference(decode(tiff([numbers_page(values)])).image, full) < 2
    whole = np.rint(colours * (1000 / 255)).astype(np.float32)
    shown = np.asarray(decode(tiff([numbers_page(whole)])).image)
    assert np.abs(shown - whole * (255 / 1023)).max() < 1


def test_fractions_beyond_all_marks_look_alike(photo, difference):
    grey = np.asarray(photo.convert("L"), np.float64)[..., None]
    full = Image.fromarray(np.rint(grey[..., 0] * (255 / grey.max())).astype(np.uint8))
    for largest, kind in ((1e31, np.float32), (3e38, np.float32), (1e300, np.float64)):
        values = (grey / grey.max() * largest).astype(kind)
        assert difference(decode(tiff([numbers_page(values)])).image, full) < 2
    ends = decode(tiff([numbers_page(((grey / 127.5 - 1) * 3e38).astype(np.float32))])).image.getextrema()
    assert ends[0] == (0, 255)


def test_many_marks_of_no_data_hide_no_number(photo, difference):
    values = np.array(photo.convert("L"), np.float32)[..., None]
    values[:300] = 3.4e38
    shown = decode(tiff([numbers_page(values)])).image.convert("L").crop((0, 300, 480, 360))
    assert difference(shown, photo.convert("L").crop((0, 300, 480, 360))) < 2


def test_greys_far_above_an_offset_are_scaled_to_what_is_there(photo, written, difference):
    grey = np.asarray(photo.convert("L"), np.uint16)
    wide = grey - grey.min()
    full = Image.fromarray((wide * (255 / wide.max())).astype(np.uint8))
    for format in ("PNG", "TIFF"):
        assert difference(decode(written(Image.fromarray(grey * 16 + 40_000), format)).image, full) < 2
    heights = tiff([numbers_page((grey[..., None] / 3 + 2000).astype(np.float32))])
    assert difference(decode(heights).image, full) < 2


def test_ordinary_greys_of_16_bits_keep_their_contrast(photo, written):
    grey = np.asarray(photo.convert("L"), np.uint16)
    foggy, noise = grey * 64 + 40_000, np.random.default_rng(0).integers(60_000, 62_000, grey.shape)
    for values in (foggy, noise, grey * 4 + 1000, np.full(grey.shape, 40_000)):
        shown = np.asarray(decode(written(Image.fromarray(values.astype(np.uint16)), "PNG")).image)[..., 0]
        most = 65_535 if values.max() > 16_383 else 4095
        assert np.abs(shown - values * (255 / most)).max() < 1


def test_negative_numbers_go_from_black_to_white(photo, written):
    grey = np.asarray(photo.convert("L"), np.float32)
    for values in (grey - 128, (grey * 20 - 3000).astype(np.int32)):
        shown = np.asarray(decode(written(Image.fromarray(values), "TIFF")).image)
        assert (shown.min(), shown.max()) == (0, 255)


def test_what_is_no_number_hides_nothing(photo, written, difference):
    values = np.array(photo.convert("L"), np.float32)
    values /= values.max()
    full = Image.fromarray((values * 255).astype(np.uint8))
    values[:4, :4], values[:4, 4:8], values[:4, 8:12], values[4:8, :4] = np.nan, np.inf, -np.inf, 3.4e38
    assert difference(decode(written(Image.fromarray(values), "TIFF")).image, full) < 2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_picture_without_any_number_is_refused(written, value):
    for shape in ((20, 20, 1), (20, 20, 3)):
        with pytest.raises(RejectedImage, match="No pixel of the picture is a number"):
            decode(tiff([numbers_page(np.full(shape, value, np.float32))]))


def test_a_number_that_stands_for_no_data_is_left_out(photo, written, difference):
    values = np.array(photo.convert("L"), np.float32)
    values[:8] = -9999
    data = written(Image.fromarray(values), "TIFF", tiffinfo={42113: "-9999"})
    assert difference(decode(data).image, photo.convert("L")) < 8


FILLED = [
    *(("f4", 1, -9999), ("f4", 64, -9999), ("f4", 1 / 255, 9999), ("f4", 1, 1e20), ("f4", 1, -5000), ("f8", 1, 65535)),
    *(("i2", 1, -32768), ("i2", 1, 32767), ("i4", 64, -9999), ("i4", 1, -(2**31)), ("u2", 16, 65535)),
]


def test_a_number_far_outside_all_others_stands_for_no_data_without_a_tag(photo, written, difference):
    grey = np.asarray(photo.convert("L"), np.float32)[::4, ::4]
    grey = (grey - grey[8:].min()) * (255 / np.ptp(grey[8:]))
    seen = Image.fromarray(grey[8:].astype(np.uint8))
    for kind, factor, filler in FILLED:
        values = (grey * factor).astype(kind)
        values[:8] = filler
        files = [tiff([numbers_page(np.dstack([values] * each))]) for each in (1, 3)]
        for data in files + ([written(Image.fromarray(values), "TIFF")] if kind != "f8" else []):
            shown = decode(data).image.crop((0, 8, 120, 90))
            assert difference(shown, seen) < 2, (kind, factor, filler)


def test_white_paper_and_two_fillers_are_told_apart(photo, written):
    ink = np.full((40, 40), 65535, np.uint16)
    ink[10:20, 10:20] = np.arange(100).reshape(10, 10) * 200
    assert decode(written(Image.fromarray(ink), "TIFF")).image.getpixel((0, 0)) == (255, 255, 255)
    mask = np.where(ink == 65535, np.float32(1), np.float32(0))
    assert decode(written(Image.fromarray(mask), "TIFF")).image.getpixel((0, 0)) == (255, 255, 255)
    both = np.asarray(photo.convert("L"), np.float32)[:40, :40] / 255
    both = both - both.min()
    both[:4], both[4:8] = -9999, 1e20
    shown = np.asarray(decode(written(Image.fromarray(both), "TIFF")).image)
    assert shown[:8].max() == 0 and shown[8:].max() > 200


def test_a_few_hot_pixels_do_not_darken_the_others(photo, written, difference):
    deep = np.asarray(photo.convert("L"), np.uint16) * 4
    deep[0, 0] = 65535
    assert difference(decode(written(Image.fromarray(deep), "TIFF")).image, photo.convert("L")) < 2


def grey_tiff(values, sample_format):
    height, width = values.shape
    tags = {256: width, 257: height, 258: 8 * values.itemsize, 259: 1, 262: 1, 277: 1, 278: height, 339: sample_format}
    return tiff([Directory(tags, values.tobytes())])


def test_numbers_of_32_bits_without_a_sign_stay_positive(photo, difference):
    values = np.asarray(photo.convert("L"), np.uint32) << 24
    scaled = Image.fromarray((values / values.max() * 255).astype(np.uint8))
    assert difference(decode(grey_tiff(values, 1)).image, scaled) < 2
