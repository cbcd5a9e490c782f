"""Checks which formats are read, and that the others are refused by their names."""

import struct
import sys

import pytest

from library.decoding import formats
from library.errors import RejectedImage
from library.images import decode, reason_to_skip


@pytest.mark.parametrize("format", ["JPEG2000", "AVIF", "WEBP"])
def test_newer_formats_are_read(photo, written, difference, format):
    assert difference(decode(written(photo, format)).image, photo) < 6


def test_a_tiff_of_ycbcr_is_read_packed_or_not_and_refused_where_pixels_share_colours(photo, written, difference):
    plain, packed = (written(photo.convert("YCbCr"), "TIFF", compression=each) for each in (None, "tiff_lzw"))
    assert difference(decode(plain).image, photo) < 2 and difference(decode(packed).image, photo) < 2
    shared = plain.replace(struct.pack("<HHI2H", 530, 3, 2, 1, 1), struct.pack("<HHI2H", 530, 3, 2, 2, 2))
    with pytest.raises(RejectedImage, match="TIFF file is damaged at its beginning, or of a kind that cannot be read"):
        decode(shared)


@pytest.mark.parametrize(
    ("start", "name"),
    [(b"8BPS", "Photoshop"), (b"v/1\x01", "OpenEXR"), (bytes(128) + b"DICM", "DICOM"), (b"II\xbc\x01", "JPEG XR")],
)
def test_a_format_that_is_not_read_is_refused_by_its_name(start, name):
    with pytest.raises(RejectedImage, match=f"This file has the format {name}, which is not read"):
        decode(start + bytes(1000))


@pytest.mark.parametrize("start", [b"\xff\x0a\xfa\x7f", b"\0\0\0\x0cJXL \r\n\x87\n"])
def test_jpeg_xl_names_the_package_that_reads_it(start, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    formats.opened_formats.cache_clear()
    with pytest.raises(RejectedImage, match="JPEG XL picture: reading it needs one more package, pillow-jxl-plugin"):
        decode(start + bytes(1000))


def test_a_known_format_that_cannot_be_opened_is_named(written, photo):
    with pytest.raises(RejectedImage, match="This TIFF file is damaged at its beginning, or of a kind"):
        decode(b"II*\0" + bytes(500))


@pytest.mark.parametrize("name", ["a.dng", "a.CR2", "a.nef", "a.arw", "a.raf", "a.orf", "a.rw2", "a.jxl", "a.jp2"])
def test_raw_files_and_newer_formats_are_read_by_their_names(name):
    assert reason_to_skip(name) is None


def test_every_format_has_a_suffix_that_is_read():
    assert {f".{ending}" for name, ending in formats.EXTENSIONS.items() if name != "RAW"} <= formats.IMAGE_SUFFIXES
