import base64
import io
import random
import re
import warnings
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from library.errors import InvalidContentId, RejectedImage
from library.images import content_id, decode, parse_content_id, preview, thumbnail


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def colour_of(data: bytes) -> tuple[int, ...]:
    return tuple(np.asarray(decode(data).image).reshape(-1, 3).mean(axis=0).round().astype(int))


@given(st.binary())
def test_the_content_id_is_the_sha256_of_the_bytes(data):
    assert re.fullmatch("[0-9a-f]{64}", content_id(data))
    assert parse_content_id(content_id(data)) == content_id(data)


def test_a_known_content_id():
    assert content_id(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@given(st.one_of(st.text(), st.from_regex(r"[0-9a-fA-F]{60,66}\n?")))
def test_anything_but_64_hex_digits_is_no_content_id(text):
    if len(text) == 64 and set(text) <= set("0123456789abcdef"):
        return
    with pytest.raises(InvalidContentId, match="not a content ID"):
        parse_content_id(text)


@pytest.mark.parametrize("number", range(9))
@pytest.mark.parametrize("shape", ["Landscape", "Portrait"])
def test_every_exif_orientation_comes_upright(photos, shape, number):
    data = (photos / "exif_orientation" / f"{shape}_{number}.jpg").read_bytes()
    straight = decode((photos / "exif_orientation" / f"{shape}_1.jpg").read_bytes())
    picture = decode(data)
    assert (picture.width, picture.height) == ((1800, 1200) if shape == "Landscape" else (1200, 1800))
    same = [np.asarray(each.image.resize((60, 60)), np.float32) for each in (picture, straight)]
    assert np.abs(same[0] - same[1]).mean() < 6


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_a_large_picture_that_is_reduced_before_it_is_turned_is_the_same(format, monkeypatch):
    noise, exif = Image.effect_noise((90, 60), 90).convert("RGB"), Image.Exif()
    for exif[ExifTags.Base.Orientation] in range(1, 9):
        data = encoded(noise, format, exif=exif, lossless=True)
        with monkeypatch.context() as patched:
            patched.setattr("library.images.SMALL", 0)
            large = decode(data, 10)
        small = decode(data, 10)
        assert (large.width, large.height, large.image.size) == (small.width, small.height, small.image.size)
        assert large.image.tobytes() == small.image.tobytes()


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("LA", (0, 0), (255, 255, 255)),
        ("L", 100, (100, 100, 100)),
        ("1", 1, (255, 255, 255)),
        ("I;16", 32_768, (127, 127, 127)),
        ("RGB", (1, 2, 3), (1, 2, 3)),
    ],
)
def test_every_kind_of_pixel_becomes_rgb_on_white(mode, value, expected):
    data = encoded(Image.new(mode, (20, 20), value), "PNG")
    assert colour_of(data) == pytest.approx(expected, abs=1)


def test_a_transparent_palette_comes_on_white():
    palette = Image.new("P", (10, 10), 0)
    palette.putpalette([255, 0, 0])
    assert colour_of(encoded(palette, "PNG", transparency=0)) == (255, 255, 255)


def test_cmyk_becomes_rgb():
    red, green, blue = colour_of(encoded(Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG"))
    assert red > 200 and green < 60 and blue < 60


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_an_animation_is_known_by_its_first_frame(format):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue", "green")]
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:])
    assert colour_of(data) == pytest.approx((255, 0, 0), abs=4)


# 64 x 48 pixels of red, made with pillow-heif; the library itself only reads HEIC.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAA"
    "AERAAAEAAQAAAAABoQABAAAAAAAAABsAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADd"
    "aXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAA"
    "AwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xh"
    "cAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAACNtZGF0AAAA"
    "FygBrxmA70mlv//ihh/5rWv+v61pj5uA"
)


def test_heic_is_read():
    picture = decode(HEIC)
    assert (picture.format, picture.width, picture.height, picture.extension) == ("HEIF", 64, 48, "heic")
    assert colour_of(HEIC) == pytest.approx((255, 0, 0), abs=8)


def test_mpo_is_read_as_its_first_picture():
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    picture = decode(encoded(frames[0], "MPO", save_all=True, append_images=frames[1:]))
    assert (picture.format, picture.extension) == ("MPO", "jpg")


def test_a_large_picture_comes_reduced_but_keeps_its_true_size():
    for format in ("JPEG", "PNG"):
        picture = decode(encoded(Image.new("RGB", (4000, 3000)), format))
        assert (picture.width, picture.height) == (4000, 3000)
        assert 336 <= min(picture.image.size) < 672


def test_a_reduced_picture_looks_like_the_full_one(photos):
    for number in (1, 8, 23):
        full = Image.open(photos / "kodak" / f"{number:02}.png").convert("RGB").resize((3072, 2048))
        picture = decode(encoded(full, "JPEG", quality=95))
        assert picture.image.size != full.size
        pair = [np.asarray(each.resize((224, 224)), np.float32).ravel() for each in (picture.image, full)]
        assert pair[0] @ pair[1] / np.linalg.norm(pair[0]) / np.linalg.norm(pair[1]) > 0.998


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"just some text", "not a picture"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\xef\xbb\xbf <!DOCTYPE html><html>", "web page"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "."),
    ],
)
def test_what_is_no_picture_is_rejected_with_a_plain_reason(data, reason):
    with pytest.raises(RejectedImage, match=reason):
        decode(data)


def test_a_truncated_picture_is_rejected(picture):
    data = encoded(Image.effect_noise((300, 200), 50).convert("RGB"), "JPEG")
    with pytest.raises(RejectedImage, match="damaged or cut short"):
        decode(data[: len(data) // 2])


def test_a_decompression_bomb_is_rejected_before_it_is_decoded():
    bomb = bytearray(encoded(Image.new("L", (8, 8)), "BMP"))
    bomb[18:26] = (20_000).to_bytes(4, "little") * 2
    with pytest.raises(RejectedImage, match="more than 179 megapixels"):
        decode(bytes(bomb))


def test_a_strip_is_rejected(picture):
    with pytest.raises(RejectedImage, match="100 times"):
        decode(picture("red", size=(1010, 10)))
    assert decode(picture("red", size=(1000, 10))).width == 1000


@given(st.integers(0, 2**32), st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF"]))
def test_damage_is_rejected_or_survived_but_never_raises_anything_else(seed, format):
    chance = random.Random(seed)
    data = bytearray(encoded(Image.effect_noise((64, 48), 60), format))
    for _ in range(chance.randint(1, 40)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with suppress(RejectedImage):
            decode(bytes(data[: chance.randint(1, len(data))]))


@pytest.mark.filterwarnings("ignore")
def test_odd_files_are_read_or_rejected_with_a_sentence(photos):
    outcomes = {"read": 0, "rejected": 0}
    for path in sorted((photos / "odd").iterdir()):
        try:
            small = thumbnail(decode(path.read_bytes()))
            assert max(Image.open(io.BytesIO(small)).size) <= 384
            outcomes["read"] += 1
        except RejectedImage as error:
            assert str(error).endswith(".")
            outcomes["rejected"] += 1
    assert outcomes["read"] > 250 and outcomes["rejected"] > 50


def test_a_thumbnail_is_a_small_jpeg():
    small = Image.open(io.BytesIO(thumbnail(decode(encoded(Image.new("RGB", (1000, 500), "red"), "PNG")))))
    assert (small.format, small.size) == ("JPEG", (384, 192))


def test_a_preview_has_no_exif_and_at_most_1600_pixels(photos):
    exif = Image.Exif()
    exif[0x010F] = "camera"
    exif.get_ifd(0x8825)[1] = "N"
    data = encoded(Image.new("RGB", (4000, 1000), "red"), "JPEG", exif=exif)
    shown = Image.open(io.BytesIO(preview(data)))
    assert (shown.format, shown.size) == ("JPEG", (1600, 400))
    assert not dict(shown.getexif()) and b"camera" not in preview(data)
