"""Checks the one rule for damage: at least 95 % of the rows decode and the picture comes in with a note, or it is
refused."""

import re
import struct
import weakref
import zlib
from contextlib import suppress
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from library.decoding import damage, png
from library.errors import RejectedImage
from library.images import decode

CUT = [
    ("JPEG", {"quality": 90}),
    ("JPEG", {"quality": 90, "progressive": True}),
    ("PNG", {}),
    ("GIF", {}),
    ("BMP", {}),
    ("PPM", {}),
    ("TIFF", {}),
    ("WEBP", {"quality": 90}),
]


@pytest.mark.parametrize(("format", "options"), CUT)
@pytest.mark.parametrize("kept", [0.98, 0.9, 0.5, 0.1])
def test_a_file_that_is_cut_short_comes_in_nearly_whole_or_not_at_all(
    photo, written, difference, format, options, kept
):
    data = written(photo, format, **options)
    try:
        picture = decode(data[: int(len(data) * kept)])
    except RejectedImage as error:
        assert re.search("damaged|cut short", str(error)) and str(error).endswith(".")
        assert kept < 0.98 or format == "WEBP"
    else:
        assert kept > 0.9 and picture.note
        assert difference(picture.image, photo) < 14


@pytest.mark.parametrize("format", ["PNG", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("kept", [0.98, 0.5])
def test_of_a_damaged_picture_there_is_one_in_memory_at_a_time(photo, written, format, kept):
    begun = []

    def opened(data):
        assert not [each for each in begun if (image := each()) and type(image._im).__name__ == "ImagingCore"]
        image = Image.open(BytesIO(data))
        begun.append(weakref.ref(image))
        return image

    data = written(photo, format)
    with suppress(RejectedImage):
        damage.load(data[: int(len(data) * kept)], opened)
    assert len(begun) > 1


@pytest.mark.parametrize("kept", [0.5, 0.9, 0.97])
def test_zeros_that_a_disk_has_put_in_place_of_the_data_of_a_png_are_noticed(written, kept):
    data = written(Image.effect_noise((64, 64), 90), "PNG")
    filled = data[: int(len(data) * kept)].ljust(len(data), b"\0")
    with suppress(RejectedImage):
        assert decode(filled).note


def test_fractions_that_are_not_there_do_not_count_by_their_bytes():
    with pytest.raises(RejectedImage, match=r" 0 % of its rows"):
        decode(b"Pf\n40 30\n-1.0\n")


@pytest.mark.parametrize(("orientation", "size"), [(1, (480, 360)), (3, (480, 360)), (6, (360, 480))])
def test_a_tiff_that_has_to_be_turned_is_judged_alike(photo, written, orientation, size):
    data = written(photo, "TIFF", tiffinfo={274: orientation})
    picture = decode(data[:-9000])
    assert (picture.width, picture.height, picture.image.size) == (*size, size)
    assert "98 % of its rows" in str(picture.note)
    with pytest.raises(RejectedImage, match=r"9[0-4] % of its rows"):
        decode(data[:-45000])


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_end_comes_in_with_a_note(photo, written, progressive):
    picture = decode(written(photo, "JPEG", quality=90, progressive=progressive)[:-2])
    assert "all of its rows" in str(picture.note)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_large_jpeg_is_judged_alike_however_small_it_is_shown(photo, written, progressive):
    data = written(photo.resize((1920, 1440)), "JPEG", quality=85, progressive=progressive)
    for side in (100, 1440):
        assert decode(data, side).note is None
        assert "all of its rows" in str(decode(data[:-2], side).note)
        with pytest.raises(RejectedImage, match=r"\d\d % of its rows"):
            decode(data[: -len(data) // 10], side)


def test_a_jpeg_2000_is_judged_by_the_rows_that_its_details_are_there_of(photo, written, difference):
    photo = photo.resize((80, 360))
    data = written(photo, "JPEG2000", codeblock_size=(8, 8))
    picture = decode(data[:-20])
    assert re.search("9[5-9] % of its rows", str(picture.note)) and difference(picture.image, photo) < 1
    with pytest.raises(RejectedImage, match=r"\d\d % of its rows"):
        decode(data[: -len(data) // 25])
    with pytest.raises(RejectedImage, match="cut short: 49 % of it"):
        decode(data[: len(data) // 2])
    tiled = written(photo, "JPEG2000", tile_size=(80, 12))
    assert decode(tiled).note is None
    assert "of its rows" in str(decode(tiled[:-20]).note)


def test_the_reason_names_the_share_that_is_there(photo, written):
    data = written(photo, "BMP")
    with pytest.raises(RejectedImage, match="damaged or cut short: 49 % of its rows can be decoded, and 95 %"):
        decode(data[: len(data) // 2])


def test_a_progressive_jpeg_of_which_only_a_coarse_version_is_there_is_refused(photo, written):
    data = written(photo, "JPEG", quality=90, progressive=True)
    last = data.rfind(b"\xff\xda")
    with pytest.raises(RejectedImage, match="damaged"):
        decode(data[:last])


@pytest.mark.parametrize("place", [0.1, 0.3, 0.5, 0.8])
@pytest.mark.parametrize(
    "wrong", [b"\0", b"\xff", b"some text ", bytes(range(256))], ids=["zeros", "ones", "text", "all"]
)
def test_a_jpeg_that_is_damaged_within_is_refused_or_noted(photo, written, wrong, place):
    data = bytearray(written(photo, "JPEG", quality=85))
    at = int(len(data) * place)
    data[at : at + 2000] = (wrong * 2000)[:2000]
    try:
        assert "wrong" in str(decode(bytes(data)).note)
    except RejectedImage as error:
        assert "damaged" in str(error)


def changed(data, at, count=8):
    return data[:at] + bytes(each ^ 0x5A for each in data[at : at + count]) + data[at + count :]


def test_a_jpeg_whose_colours_break_in_its_middle_is_refused_with_the_share_above(photo, written):
    data, refused = written(photo, "JPEG"), 0
    for at in range(8_000, 12_000, 400):
        try:
            decode(changed(data, at))
        except RejectedImage as error:
            assert re.search(r"[3-6]\d % of its rows can be decoded, and 95 %", str(error))
            refused += 1
    assert refused > 2  # in the others the decoder falls into step again, which nothing betrays


def test_checksums_of_png_and_tiff_betray_damage_that_decoders_pass_over(photo, written):
    small = photo.resize((160, 120))
    for format, options in (("PNG", {}), ("TIFF", {"compression": "tiff_adobe_deflate"})):
        data = written(small, format, **options)
        for at in range(len(data) // 3, len(data) * 2 // 3, len(data) // 12):
            with pytest.raises(RejectedImage, match=r"\d % of its rows can be decoded|damaged in its middle"):
                decode(changed(data, at, 1))
    strips, notes = written(small, "TIFF", compression="tiff_adobe_deflate", tiffinfo={278: 4}), []
    for at in range(len(strips) // 3, len(strips) * 2 // 3, len(strips) // 30):
        with suppress(RejectedImage):  # where libtiff gives up at the strip
            notes.append(str(decode(changed(strips, at, 1)).note))
    assert notes and all("some may be wrong" in each for each in notes)


def test_a_png_whose_first_part_is_damaged_is_told_with_its_share(photo, written):
    with pytest.raises(RejectedImage, match="0 % of its rows can be decoded, and 95 % are needed"):
        decode(changed(written(photo, "PNG"), 300))


def test_a_jpeg_whose_marks_for_a_fresh_start_are_lost_is_refused_or_noted(photo, written):
    for mode, options in (("RGB", {"subsampling": 2}), ("RGB", {"subsampling": 0}), ("L", {"subsampling": 2})):
        data = written(photo.convert(mode), "JPEG", restart_marker_blocks=8, **options)
        assert decode(data).note is None
        first, half = data.index(b"\xff\xd0"), len(data) // 2
        assert "wrong" in str(decode(data[:first] + b"\x11\x22" + data[first + 2 :]).note)
        with pytest.raises(RejectedImage, match="damaged"):
            decode(data[:first] + b"\x11" * (half - first) + data[half:])


def test_a_jpeg_whose_lower_half_is_of_one_colour_is_whole(photo, written):
    half = photo.copy()
    half.paste("white", (0, 180, 480, 360))
    for options in ({}, {"restart_marker_blocks": 8}, {"optimize": True}, {"subsampling": 0}):
        assert decode(written(half, "JPEG", **options)).note is None
    assert decode(written(Image.new("RGB", (400, 300)), "JPEG")).note is None


def test_whatever_follows_a_jpeg_does_not_matter(photo, written):
    data = written(photo, "JPEG")
    assert decode(data + b"\0" * 5000).note is None
    assert decode(data + data[: len(data) // 2]).note is None


def chunk(kind, content, is_right=True):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content) ^ (not is_right))
    )


def with_chunk(data, added, before=b"IDAT"):
    at = data.index(before) - 4
    return data[:at] + added + data[at:]


@pytest.mark.parametrize("before", [b"IDAT", b"IEND"])
@pytest.mark.parametrize("kind", [b"iTXt", b"zTXt", b"tEXt", b"iCCP"])
def test_metadata_of_a_png_may_be_of_any_size(photo, written, before, kind):
    text = b"word " * 600_000
    content = {
        b"iCCP": b"profile\0\0" + zlib.compress(text),
        b"iTXt": b"Description\0\0\0\0\0" + text,
        b"zTXt": b"Description\0\0" + zlib.compress(text),
        b"tEXt": b"Description\0" + text,
    }[kind]
    picture = decode(with_chunk(written(photo), chunk(kind, content), before))
    assert picture.note is None and picture.width == 480


def test_metadata_of_a_png_may_be_of_any_number(photo, written, monkeypatch):
    assert png.MOST_TEXT < PngImagePlugin.MAX_TEXT_MEMORY
    monkeypatch.setattr(png, "MOST_TEXT", 1 << 18)
    monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_MEMORY", 1 << 20)
    packed = chunk(b"zTXt", b"Description\0\0" + zlib.compress(b"word " * 20_000))
    plain = chunk(b"tEXt", b"Description\0" + b"word " * 20_000)
    for texts, before in ((packed * 12, b"IDAT"), (plain * 12, b"IEND")):
        picture = decode(with_chunk(written(photo), texts, before))
        assert picture.note is None and picture.width == 480


@pytest.mark.parametrize("before", [b"IDAT", b"IEND"])
def test_damaged_metadata_of_a_png_are_left_out(photo, written, difference, before):
    picture = decode(with_chunk(written(photo), chunk(b"tEXt", b"Title\0x", is_right=False), before))
    assert difference(picture.image, photo) == 0


def test_a_wrong_checksum_over_right_pixels_changes_nothing(photo, written, difference):
    data = bytearray(written(photo))
    data[-16] ^= 1  # of the last data: the end of the file takes twelve bytes
    assert difference(decode(bytes(data)).image, photo) == 0


def test_a_wrong_sum_of_the_data_of_a_png_is_noted_where_all_else_is_right(photo, written, difference):
    data = bytearray(written(photo))
    data[-17] ^= 1
    last = data.rindex(b"IDAT")
    rewritten = data[:-16] + struct.pack(">I", zlib.crc32(data[last:-16])) + data[-12:]
    for each in (data, rewritten):
        picture = decode(bytes(each))
        assert difference(picture.image, photo) == 0 and "checksum" in str(picture.note)
    data[last + 99] ^= 1
    assert "some may be wrong" in str(decode(bytes(data)).note)


def test_a_png_in_one_part_counts_as_far_as_its_data_make_sense(photo, written, difference):
    data = written(photo)
    first = data.index(b"IDAT") - 4
    packed = b"".join(each.content for each in png._chunks(data) if each.kind == b"IDAT")
    for share, is_taken in ((0.98, True), (0.5, False)):
        damaged = bytearray(chunk(b"IDAT", packed))
        at = int(share * len(packed))
        damaged[at : at + 16] = bytes(range(16))
        file = data[:first] + damaged + chunk(b"IEND", b"")
        if is_taken:
            picture = decode(file)
            assert "some may be wrong" in str(picture.note) and difference(picture.image, photo) < 5
        else:
            with pytest.raises(RejectedImage, match="of its rows"):
                decode(file)


def test_a_png_with_damaged_pixels_is_trusted_up_to_them(photo, written):
    data = bytearray(written(photo))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(RejectedImage, match="damaged"):
        decode(bytes(data))


def test_an_interlaced_png_is_cut_short_in_all_rows(photo, written):
    data = written(photo.resize((60, 40)))
    assert decode(data).note is None
    with pytest.raises(RejectedImage, match="damaged"):
        decode(data[: len(data) // 2])


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
def test_a_file_whose_beginning_is_lost_is_named_by_its_format_or_refused(photo, written, format):
    data = written(photo, format)
    with pytest.raises(RejectedImage) as refused:
        decode(data[:40] + bytes(400))
    assert refused.value.message.code in ("cut_short", "damaged", "damaged_rows", "unreadable_kind")
