"""Checks that pictures of 200 megapixels are read reduced where the format allows it, and refused where not."""

import base64
import struct

import numpy as np
import pytest
from PIL import Image

from library.decoding import opening
from library.decoding.jpeg import JpegHeader
from library.errors import RejectedImage
from library.images import decode

# Stripes of 1024 x 768 pixels with a thumbnail of 512 x 384, made with pillow-heif; the library itself only reads HEIC.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAittZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAADRpbG9jAAAA"
    "AERAAAIAAQAAAAACTwABAAAAAAAAAe8AAgAAAAAEPgABAAAAAAAAAUgAAAA4aWluZgAAAAAAAgAAABVpbmZlAgAAAAABAABodmMxAAAAABVpbmZl"
    "AgAAAAACAABodmMxAAAAAA5waXRtAAAAAAABAAABamlwcnAAAAFFaXBjbwAAAHlodmNDAQNwAAAAkAAAAAAAXfAA/P34+AAADwNgAAEAGEABDAH/"
    "/wNwAAADAJAAAAMAAAMAXboCQGEAAQAsQgEBA3AAAAMAkAAAAwAAAwBdoAIAgDAWW6kkprm4CGgwIAAAAwMgAAADACFiAAEAB0QBwXKwYkAAAAAT"
    "Y29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAEAAAAAwAAAAAQcGl4aQAAAAADCAgIAAAAeWh2Y0MBA3AAAACQAAAAAAA/8AD8/fj4AAAPA2AA"
    "AQAYQAEMAf//A3AAAAMAkAAAAwAAAwA/ugJAYQABACxCAQEDcAAAAwCQAAADAAADAD+gBAIBgWW6kkprm4CGgwIAAAMAMgAAAwACEGIAAQAHRAHB"
    "crBiQAAAABRpc3BlAAAAAAAAAgAAAAGAAAAAHWlwbWEAAAAAAAAAAgABBIECAwQAAgOFBgQAAAAaaXJlZgAAAAAAAAAOdGhtYgACAAEAAQAAAz9t"
    "ZGF0AAAB6ygBrwtGCJ4oJiQkIyYRERAPgPrGwdf/+z3rfCjR9WLtM0qXwjfFH6xd3Q2nyBZgf+ciDcVP31ain33ivQPW1nzoeoUf/6r78dY+dABY"
    "0f9mVuBFvOgBIsl8Qxbg9NVEhwSvsoVqZXw6wPBb87X7zbsVpj/LeyvOFuSRySW1XZNy4s26ASVYRX720CKmqzc0yukVRYckWJE2zXP07wQ3qoOF"
    "nWpCrmn1EKf9AF4AbTrIhqimFCkSLfp8DdmuldAQAQZ+zrJBYfg54Yhe6GvyNHdsFg4VFkDkeY9omeAdY/SSDct40gQV5qqlfIjLPk1SqVeuVzJR"
    "KMReOR7DHIhlFLWAk9t9zJReeKRb2yRog+6GXyMvdrlg31Fjjkegxz77YiDwRSvlrBSB20GGAOHgySFwi/zDLSWLMRcOR5DHNvteIO9FLLYfaKX8"
    "tYAZSu7NGTyl1SjABb5gQA5HcMcu+1wg7kUsNh9Ipg7EFRTLlrAlnwVYszlH7ifa/GFrx1SAvQyXTvUFrsDUbkXjAi81nkXnydeC4wgAAAMAAAMA"
    "AAMAAAMAAAMABHQAAAMAAAMAAAMAAAMAAAMAl4AAAAMAAAMAAAMAAAMAAAMDZgAAAwAAAwAAAwAAAwAADFgAAAMAAAMAAAMAAAMAABvQAAABRCgB"
    "rwtMIvxMQPgqCsQAKkOp2AP//B8NvLOj3X5wolqgU87yF+vOA9hiudfr06Lv/QL3BnNH9zREEJXfOavZVFZyvcua97/eCAfRlH/cmt/8Kx73S9/y"
    "yEnftMvdDR/YkxMufFv8Lyi2XguTO/ZC68fJXal4l5CX6l6ekdUKgWw8ZzRhsiM4/BOgOTTQBsNjzIBwA7auB4a7K1BzLWPzK2QA03Vh8RJGFGSn"
    "xPKKXR616zihQiuYkSX+6Lfp99lGMttGOPnf5vFhi1D4xYkp8ZIox1BXMSt6Y2YH86CBHoDA0VBiex5vvJnJz6yCW4ZjYOAig4nFC8U6D2/HNiK+"
    "DiQc5kQ+ZDHYW0CQq2jL5TUIWzOb1qhB6LXnqd8hidPmdABBSWFV5bUHA1z8GMg2U73PAAADAAADADFgAAADAAADAAAbsA=="
)


def claiming(data: bytes, width: int, height: int) -> bytes:
    """Returns the HEIC with another size written into it than its pixels have."""
    size = b"ispe" + bytes(4)
    return data.replace(size + struct.pack(">II", 1024, 768), size + struct.pack(">II", width, height))


def test_a_large_heic_is_shown_by_the_thumbnail_in_it():
    picture = decode(claiming(HEIC, 16_384, 12_288))
    assert (picture.format, picture.width, picture.height) == ("HEIF", 16_384, 12_288)
    assert picture.image.size == (512, 384)
    assert "shown by the copy of 512 x 384" in str(picture.note)
    assert np.abs(np.asarray(picture.image, int) - np.asarray(decode(HEIC).image, int)).mean() < 4


def test_a_large_heic_without_a_thumbnail_is_decoded_whole_and_reduced(monkeypatch):
    whole = decode(HEIC)
    monkeypatch.setattr(opening, "MAX_PIXELS", 500_000)
    picture = decode(HEIC.replace(b"thmb", b"free"), short_side=200)
    assert (picture.format, picture.width, picture.height, picture.note) == ("HEIF", 1024, 768, None)
    assert picture.image.size == (341, 256)
    shown = np.asarray(whole.image.resize((341, 256), Image.Resampling.BOX), int)
    assert np.abs(np.asarray(picture.image, int) - shown).mean() < 2


def test_a_heic_that_no_memory_would_hold_is_refused_with_the_reason():
    with pytest.raises(RejectedImage, match="more than 179 megapixels, and cannot be decoded at a reduced size"):
        decode(claiming(HEIC, 20_000, 15_000).replace(b"thmb", b"free"))


def test_a_large_heic_whose_pixels_are_not_there_is_refused():
    with pytest.raises(RejectedImage, match="damaged"):
        decode(claiming(HEIC, 16_384, 12_288).replace(b"thmb", b"free")[:1200])


def large_jpeg(written, **options):
    """Returns a JPEG of 200 megapixels of grey: the header of a small one, and the code of a block again and again."""
    data = written(Image.new("L", (8, 8), 128), "JPEG", **options)
    size, blocks = struct.pack(">HH", 12_240, 16_320), (16_320 // 8) * (12_240 // 8)
    frame = data.index(b"\xff\xc2" if options else b"\xff\xc0") + 5
    start = JpegHeader.of(data).start
    return data[:frame] + size + data[frame + 4 : start] + b"\x28\xa2\x8a" * (blocks // 4) + b"\xff\xd9"


def test_a_jpeg_of_200_megapixels_is_read_reduced(written):
    picture = decode(large_jpeg(written))
    assert (picture.width, picture.height, picture.note) == (16_320, 12_240, None)
    assert 336 <= min(picture.image.size) < 2 * 336
    assert picture.image.getextrema() == ((128, 128),) * 3


def test_half_of_a_jpeg_of_200_megapixels_is_refused_like_any_other(written):
    data = large_jpeg(written)
    with pytest.raises(RejectedImage, match="49 % of its rows"):
        decode(data[: len(data) // 2])


def test_a_progressive_jpeg_is_read_reduced_where_memory_holds_its_coefficients(written, monkeypatch):
    data = written(Image.new("RGB", (400, 300), "red"), "JPEG", progressive=True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40_000)
    monkeypatch.setattr(opening, "MAX_PIXELS", 80_000)
    monkeypatch.setattr(opening, "LEAST_HEAVY_BYTES", 100)
    picture = decode(data, short_side=100)
    assert (picture.width, picture.height, picture.image.size) == (400, 300, (200, 150))
    monkeypatch.setattr(opening, "MAX_COEFFICIENT_BYTES", 2 * 3 * 400 * 300 - 1)
    with pytest.raises(RejectedImage, match="more than 179 megapixels"):
        decode(data, short_side=100)
