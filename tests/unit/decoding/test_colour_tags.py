"""Checks that colours are followed which a file tells of without a profile."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from encoders.loading import load_encoder
from library.images import decode
from testing.profiles import ADOBE_RGB, P3, converted, rgb_profile

SRGB = ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06))
P3_SRGB_CURVE, BT2020_PQ, BT2020_HLG = bytes([12, 13, 0, 1]), bytes([9, 16, 0, 1]), bytes([9, 18, 0, 1])
SAYS_SRGB = (b"sRGB", b"\0")


def gamma(value):
    return b"gAMA", struct.pack(">I", round(100_000 / value))


def primaries(points):
    numbers = [number for point in ((0.3127, 0.329), *points) for number in point]
    return b"cHRM", struct.pack(">8I", *(round(number * 100_000) for number in numbers))


@pytest.fixture
def photo(drawn):
    return drawn.resize((240, 180))


@pytest.fixture
def png(written):
    """Returns a PNG with these chunks and without a profile."""

    def write(image, *chunks):
        image.info.clear()
        data = written(image, compress_level=1)
        added = (struct.pack(">I", len(b)) + a + b + struct.pack(">I", zlib.crc32(a + b)) for a, b in chunks)
        return data[:33] + b"".join(added) + data[33:]

    return write


@pytest.fixture
def wide(photo):
    return converted(photo, rgb_profile(P3))


def hdr(image, encode, peak):
    """Returns the picture as a film of high dynamic range holds it, its white as bright as paper."""
    light = np.asarray(image, np.float64) / 255
    light = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    to_bt2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    return Image.fromarray(np.rint(255 * encode(light @ to_bt2020.T * (203 / peak))).astype(np.uint8))


def pq(light):
    power = light ** (1305 / 8192)
    return ((107 / 128 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def hlg(light):
    scene = light ** (1 / 1.2)
    upper = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), upper)


@pytest.mark.parametrize(("points", "value"), [(P3, 2.2), (ADOBE_RGB, 2.2), (SRGB, 1.0), (SRGB, 1.8)])
def test_png_is_read_by_its_gamma_and_primaries(photo, png, difference, points, value):
    stored = converted(photo, rgb_profile(points, gamma=value))
    assert difference(decode(png(stored, gamma(value), primaries(points))).image, photo) < 0.6


def test_a_gamma_alone_is_followed_and_primaries_alone_are_not(photo, png, wide, difference):
    linear = converted(photo, rgb_profile(SRGB, gamma=1.0))
    assert difference(decode(png(linear, gamma(1.0))).image, photo) < 0.6
    assert difference(decode(png(wide, primaries(P3))).image, wide) == 0


def test_the_usual_gamma_of_srgb_changes_nothing(photo, png, difference):
    for chunks in ([gamma(2.2)], [gamma(2.2), primaries(SRGB)], [(b"gAMA", bytes(4))]):
        assert difference(decode(png(photo, *chunks)).image, photo) == 0


def test_the_stronger_statement_wins(photo, png, wide, difference):
    profile = (b"iCCP", b"wide\0\0" + zlib.compress(rgb_profile(P3)))
    assert difference(decode(png(photo, SAYS_SRGB, gamma(1.0), primaries(P3))).image, photo) == 0
    assert difference(decode(png(wide, profile, gamma(1.0))).image, photo) < 0.6
    assert difference(decode(png(wide, (b"cICP", P3_SRGB_CURVE), SAYS_SRGB, gamma(1.0))).image, photo) < 2.5
    assert difference(decode(png(photo, (b"cICP", bytes([1, 13, 0, 1])), profile)).image, photo) == 0


def test_high_dynamic_range_is_brought_to_paper_white(photo, png, difference):
    for number, encode, peak in ((BT2020_PQ, pq, 10_000), (BT2020_HLG, hlg, 1000)):
        stored = hdr(photo, encode, peak)
        assert difference(stored, photo) > 15
        assert difference(decode(png(stored, (b"cICP", number))).image, photo) < 1.5
        bright = decode(png(Image.new("RGB", (9, 9), "white"), (b"cICP", number))).image
        assert bright.getpixel((4, 4)) == (255, 255, 255)


def test_the_encoder_takes_both_for_the_same(photos, png):
    photo = Image.open(photos / "kodak" / "23.png").convert("RGB")
    stored = converted(photo.copy(), rgb_profile(P3))
    images = [photo, decode(png(stored, gamma(2.2), primaries(P3))).image]
    one, other = load_encoder("small").encode_images(images)
    assert one @ other >= 0.999


@pytest.mark.parametrize("said", [{0xA001: 2}, {0xA001: 65535, 0xA005: {1: "R03"}}])
def test_adobe_rgb_that_only_exif_tells_of_is_read(photo, written, difference, said):
    stored = converted(photo, rgb_profile(ADOBE_RGB))
    stored.info.clear()
    exif = Image.Exif()
    exif.get_ifd(0x8769).update(said)
    for format, options in (("JPEG", {"quality": 95}), ("WEBP", {"quality": 95}), ("PNG", {"compress_level": 1})):
        assert difference(decode(written(stored, format, exif=exif.tobytes(), **options)).image, photo) < 1.5


@pytest.mark.parametrize("said", [{0xA001: 1}, {0xA001: 65535}, {0xA001: 1, 0xA005: {1: "R03"}}])
def test_other_words_of_exif_change_nothing(photo, written, difference, said):
    exif = Image.Exif()
    exif.get_ifd(0x8769).update(said)
    assert difference(decode(written(photo, compress_level=1, exif=exif.tobytes())).image, photo) == 0


def test_numbers_of_an_avif_are_followed(photo, wide, written, difference):
    wide.info.clear()
    data = written(wide, "AVIF", quality=90)
    assert b"colrnclx\0\1\0\r" in data
    assert difference(decode(data).image, photo) > 5
    named = data.replace(b"colrnclx\0\1\0\r", b"colrnclx\0\x0c\0\r")
    assert difference(decode(named).image, photo) < 2.5


def test_the_profile_of_a_jpeg_2000_is_followed(photo, wide, written, difference):
    wide.info.clear()
    data = written(wide, "JPEG2000")
    for method in (2, 3):
        box = struct.pack(">4sBBB", b"colr", method, 0, 0) + rgb_profile(P3)
        at = data.index(b"\0\0\0\x0fcolr")
        head = data.index(b"jp2h") - 4
        longer = struct.pack(">I", struct.unpack_from(">I", data, head)[0] + len(box) + 4 - 15)
        changed = data[:head] + longer + data[head + 4 : at] + struct.pack(">I", len(box) + 4) + box + data[at + 15 :]
        assert difference(decode(changed).image, photo) < 0.6


def test_points_that_no_colours_have_change_nothing(photo, png, difference):
    for points in (((0, 0),) * 3, ((0.3, 0.3),) * 3):
        assert difference(decode(png(photo, gamma(1.8), primaries(points))).image, photo) == 0
