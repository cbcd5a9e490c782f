"""Checks that TIFFs of every sign, size and order of numbers look alike, which Pillow refuses or shows wrongly."""

import struct

import numpy as np
import pytest
from PIL import Image

from library.decoding import samples
from library.errors import RejectedImage
from library.images import decode
from testing.profiles import P3, converted, rgb_profile
from testing.tiff_files import numbers_page, tiff

LAYOUTS = [
    {},
    {"apart": True},
    {"tile": 64},
    {"tile": 64, "apart": True, "packed": True},
    {"packed": True, "differences": True},
    {"tile": 64, "packed": True, "differences": True},
]
MOST = {"u1": 255, "u2": 65535, "u4": 2**32 - 1, "u8": 2**52, "i1": 127, "i2": 32767, "i4": 2**31 - 1, "i8": 2**52}


@pytest.fixture
def photo(drawn):
    """Returns a picture from black to white, wider than a tile by less than another."""
    values = np.asarray(drawn.resize((150, 110)), np.float32)
    return Image.fromarray(np.rint((values - values.min()) * (255 / np.ptp(values))).astype(np.uint8))


def numbers(image, kind, most=None):
    values = np.asarray(image, np.float64)
    values = values[..., None] if values.ndim == 2 else values
    return (values * ((most or MOST.get(kind, 1.0)) / values.max())).astype(kind)


def test_what_is_packed_or_counted_as_nothing_here_reads_is_refused_by_name(photo):
    page = numbers_page(numbers(photo, "u1"))
    for compression, method in ((50001, "WebP"), (34933, "PNG"), (34887, "LERC"), (33003, "JPEG 2000")):
        page.tags[259] = compression
        with pytest.raises(RejectedImage, match=f"packed by {method}, which is not read within a TIFF"):
            decode(tiff([page]))
    page.tags |= {259: 1, 339: 6}
    with pytest.raises(RejectedImage, match="complex numbers"):
        decode(tiff([page]))


@pytest.mark.parametrize("kind", ["u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"])
def test_colours_and_greys_of_every_kind_and_layout_look_alike(photo, difference, kind):
    grey = photo.convert("L")
    full = Image.fromarray(np.rint(np.asarray(grey) * (255 / np.asarray(grey).max())).astype(np.uint8))
    for layout in LAYOUTS:
        assert difference(decode(tiff([numbers_page(numbers(photo, kind), **layout)])).image, photo) < 1.5, layout
        assert difference(decode(tiff([numbers_page(numbers(grey, kind), **layout)])).image, full) < 1.5, layout


def test_negative_numbers_of_colours_go_from_black_to_white(photo, difference):
    values = (np.asarray(photo, np.int16) - 128).astype(np.int8)
    assert difference(decode(tiff([numbers_page(values)])).image, photo) < 1


def test_a_sensor_of_12_bits_looks_as_bright_as_one_of_16(photo, difference):
    for kind in ("u2", "i2"):
        stored = tiff([numbers_page(numbers(photo, kind, 4095), apart=True)])
        assert difference(decode(stored).image, photo) < 1.5


def test_numbers_packed_into_10_and_14_bits_are_read(photo, difference):
    grey = photo.convert("L")
    for bits in (10, 14):
        values = numbers(grey, "u2", 2**bits - 1)[..., 0]
        rows = np.unpackbits(values.astype(">u2").view(np.uint8).reshape(110, 150, 2), axis=2)[..., 16 - bits :]
        page = numbers_page(values[..., None], t258=bits)
        page.parts = [np.packbits(rows.reshape(110, -1), axis=1).tobytes()]
        page.tags[278] = 110
        full = Image.fromarray((values / values.max() * 255).astype(np.uint8))
        assert difference(decode(tiff([page])).image, full) < 1.5


def test_transparency_inks_and_inverted_greys_are_followed(photo, difference):
    grey = np.asarray(photo.convert("L"), np.uint16)[..., None] * 257
    clear = np.dstack([np.asarray(photo, np.uint16) * 257, np.zeros_like(grey)])
    for kind, shown in ((2, (255,) * 3), (0, None)):
        stored = tiff([numbers_page(clear, apart=True, t338=kind)])
        pixel = decode(stored).image.getpixel((9, 9))
        assert pixel == (shown or pytest.approx(photo.getpixel((9, 9)), abs=1))
    inks = np.asarray(photo.convert("CMYK"), np.uint16) * 257
    assert difference(decode(tiff([numbers_page(inks, apart=True, t262=5)])).image, photo) < 1
    inverted = decode(tiff([numbers_page(grey.astype(np.int32), t262=0)])).image
    assert difference(inverted, Image.fromarray((255 - grey[..., 0] // 257).astype(np.uint8))) < 1


def test_profile_orientation_and_size_are_kept(photo, difference):
    profile = rgb_profile(P3)
    values = np.asarray(converted(photo, profile), np.uint16) * 257
    page = numbers_page(values, apart=True, t274=6)
    page.tags[34675] = profile
    picture = decode(tiff([page]))
    assert (picture.width, picture.height, picture.format) == (110, 150, "TIFF")
    assert difference(picture.image, photo.rotate(-90, expand=True)) < 1.5


def test_a_large_one_is_reduced_to_the_mean_of_what_is_there(photo, difference):
    values = numbers(photo.resize((900, 680)), "f4")
    values[::3, ::2] = np.nan
    picture = decode(tiff([numbers_page(values, tile=512, packed=True)]))
    assert picture.image.size == (450, 340) and picture.width == 900
    assert difference(picture.image, photo) < 2


def with_pixels_last(values, apart):
    """Returns a file whose last bytes are the last pixels; elsewhere the tests have the directory there."""
    page = numbers_page(values, apart=apart, t278=len(values))
    page.parts = page.parts if apart else [b"".join(page.parts)]
    data, places = tiff([page]), [16 + sum(map(len, page.parts[:each])) for each in range(len(page.parts))]
    moved = [len(data) - 16 + each for each in places]
    old, new = (struct.pack(f"<{len(each)}I", *each) for each in (places, moved))
    return data.replace(old, new, 1) + b"".join(page.parts)


@pytest.mark.parametrize("apart", [False, True])
def test_one_rule_for_damage_holds_for_them(photo, difference, apart):
    values = numbers(photo.resize((150, 100)), "f4")
    data = with_pixels_last(values, apart)
    row = values.nbytes // 300 if apart else values.nbytes // 100
    assert decode(data).note is None
    picture = decode(data[: -4 * row])
    assert "96 % of its rows" in str(picture.note) and difference(picture.image, photo) < 9
    with pytest.raises(RejectedImage, match="93 % of its rows"):
        decode(data[: -7 * row])


def test_one_that_would_take_too_much_memory_is_refused(photo, monkeypatch):
    monkeypatch.setattr(samples, "MAX_BYTES", 150 * 110 * 12 - 1)
    assert decode(tiff([numbers_page(numbers(photo, "f2"))])).width == 150
    with pytest.raises(RejectedImage, match="megapixels"):
        decode(tiff([numbers_page(numbers(photo, "f4"))]))


def test_one_whose_bytes_cannot_hold_its_numbers_is_refused_at_once(photo):
    page = numbers_page(numbers(photo, "f4"), packed=True)
    page.tags |= {256: 9000, 257: 6000}
    with pytest.raises(RejectedImage, match="damaged"):
        decode(tiff([page]))


def test_kinds_that_nothing_here_reads_are_refused_by_name(photo):
    for tags in ({"t259": 34887}, {"t262": 8}, {"t339": 6}, {"t258": 37}):
        with pytest.raises(RejectedImage, match="TIFF"):
            decode(tiff([numbers_page(numbers(photo, "u4"), **tags)]))
