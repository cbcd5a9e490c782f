"""Tests Exif blocks that claim more than they hold, which Pillow would copy once for each of their tags."""

import struct
import tracemalloc

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from library.decoding.exif import claims_too_much
from library.decoding.formats import opened_formats
from library.images import decode

TAGS, BLOCK = 4_000, 60_000  # bytes
MOST = 24 << 20  # bytes, of the 200 MB that all claims are together


def block(tags, length=BLOCK, pointer=0):
    """Returns a block whose tags all claim the whole of it but its start; the first may point to further tags."""
    entries = [struct.pack("<HHLL", 0x8769, 4, 1, pointer)] if pointer else []
    entries += [struct.pack("<HHLL", 0xC000 + number, 7, length - 8, 8) for number in range(tags)]
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(entries)).ljust(length, b"\0")


def peak_of(data):
    opened_formats()
    tracemalloc.start()
    try:
        assert decode(data).image.size == (16, 16)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_tags_that_all_claim_the_whole_block_are_not_copied(written, format):
    data = written(Image.new("RGB", (16, 16), "red"), format, exif=b"Exif\0\0" + block(TAGS))
    assert data.count(block(TAGS)[:600]) == 1
    assert peak_of(data) < MOST


def test_tags_that_are_written_as_text_are_not_copied(written):
    hexed = block(TAGS).hex()
    info = PngImagePlugin.PngInfo()
    info.add_text("Raw profile type exif", f"\nexif\n{BLOCK}\n{hexed}", zip=True)
    assert peak_of(written(Image.new("RGB", (16, 16), "red"), "PNG", pnginfo=info)) < MOST


def test_tags_in_a_second_directory_count_too():
    length, at = 2_000, 1_000
    inner = struct.pack("<H", 50) + b"".join(struct.pack("<HHLL", n, 7, 1_900, 8) for n in range(50))
    assert not claims_too_much(block(0, length, at))
    assert claims_too_much(block(0, length, at)[:at] + inner.ljust(at, b"\0"))


def test_directories_without_end_are_too_many():
    pointers = b"".join(struct.pack("<HHLL", 0x8769, 4, 1, 200 + place) for place in range(10))
    assert claims_too_much((b"II*\0\x08\0\0\0" + struct.pack("<H", 10) + pointers).ljust(1_000, b"\0"))


@pytest.mark.parametrize(
    "data", [b"", b"Exif\0\0", b"II*\0", b"MM\0*\0\0\0\x08", b"MM\0*\xff\xff\xff\xff\0\1", bytes(64)]
)
def test_a_block_without_tags_claims_nothing(data):
    assert not claims_too_much(data)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_what_cameras_write_is_kept(written, format):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Make] = 6, "A maker of cameras"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.MakerNote] = bytes(20_000)
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (60.0, 10.0, 24.0)
    data = written(Image.new("RGB", (32, 16), "red"), format, exif=exif.tobytes())
    assert decode(data).image.size == (16, 32)


@pytest.mark.parametrize("cut", [40, 1_000])
def test_a_block_that_was_cut_short_keeps_its_orientation(written, cut):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.ImageDescription] = 6, "a" * 3_000
    whole = exif.tobytes()
    assert not claims_too_much(whole) and not claims_too_much(whole[:cut])


def test_a_tag_that_runs_over_those_behind_it_costs_nothing_else():
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.ImageDescription] = 6, "a" * 3_000
    whole = exif.tobytes()
    overrun = whole.replace(struct.pack(">L", 3_001), struct.pack(">L", 90_000))
    assert overrun != whole and not claims_too_much(overrun)
