"""Checks that raw files of cameras are shown by the preview in them, or refused by name."""

import pytest

from library.errors import RejectedImage
from library.images import decode
from testing.tiff_files import jpeg, jpeg_page, page, sensor_page, tiff


def raw(make, photo, orientation=1):
    first = page(photo.resize((160, 120)), t254=1, t274=orientation)
    first.tags[271] = make
    first.children = [jpeg_page(photo), sensor_page(6000, 4000)]
    return tiff([first, jpeg_page(photo.resize((160, 120)))])


@pytest.mark.parametrize(
    ("make", "format"),
    [("NIKON CORPORATION", "NEF"), ("SONY", "ARW"), ("PENTAX", "PEF"), ("SAMSUNG", "SRW"), ("Someone", "RAW")],
)
def test_a_raw_file_is_shown_by_its_largest_preview(photo, difference, make, format):
    picture = decode(raw(make, photo))
    assert (picture.format, picture.width, picture.height) == (format, 480, 360)
    assert f"preview of 480 x 360 that this {format} file holds" in str(picture.note)
    assert difference(picture.image, photo) < 4


def test_the_preview_is_turned_as_the_raw_file_says(photo):
    picture = decode(raw("NIKON", photo, orientation=8))
    assert (picture.width, picture.height) == (360, 480)


@pytest.mark.parametrize(
    ("start", "format"),
    [
        (b"FUJIFILMCCD-RAW 0201", "RAF"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "CR3"),
        (b"FOVb\0\0\0\0", "X3F"),
        (b"IIRO" + bytes(12), "ORF"),
        (b"IIU\0" + bytes(12), "RW2"),
        (b"II*\0\x10\0\0\0CR\x02\0" + bytes(8), "CR2"),
    ],
)
def test_previews_of_other_makers_are_found_wherever_they_lie(photo, difference, start, format):
    data = start + bytes(100) + jpeg(photo.resize((160, 120))) + bytes(50) + jpeg(photo) + bytes(1000)
    picture = decode(data)
    assert (picture.format, picture.extension) == (format, format.lower())
    assert difference(picture.image, photo) < 4


def test_a_raw_file_with_only_a_thumbnail_is_refused_by_name(photo):
    first = jpeg_page(photo.resize((160, 120)))
    first.tags[271] = "NIKON"
    first.children = [sensor_page(6000, 4000)]
    with pytest.raises(RejectedImage, match="This NEF file holds a preview of 160 x 120 only"):
        decode(tiff([first]))
    with pytest.raises(RejectedImage, match="This CR3 file holds no preview"):
        decode(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(100))


def test_a_dng_whose_pixels_are_plain_is_shown_by_them(photo, difference):
    first = page(photo.resize((160, 120)), t254=1, t50706=1)
    first.children = [page(photo), sensor_page(48, 36)]
    picture = decode(tiff([first]))
    assert (picture.format, picture.width) == ("DNG", 480)
    assert difference(picture.image, photo) == 0


def test_a_tile_of_the_sensor_is_no_preview(photo):
    tile = jpeg(photo)
    sensor = sensor_page(6000, 4000)
    sensor.content = tile
    first = page(photo.resize((160, 120)), t254=1)
    first.tags[271] = "SONY"
    first.children = [sensor]
    with pytest.raises(RejectedImage, match="This ARW file holds no preview"):
        decode(tiff([first]))


def test_a_thumbnail_of_a_dng_does_not_stand_for_its_largest_page(photo, difference):
    assert difference(decode(tiff([page(photo.resize((160, 120)), t254=1, t50706=1), page(photo)])).image, photo) == 0
