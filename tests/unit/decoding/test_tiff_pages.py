"""Checks that the largest page of a TIFF is the picture, wherever it is linked, and that libtiff says nothing."""

import numpy as np
import pytest
from PIL import Image

from library.images import decode
from testing.tiff_files import Directory, numbers_page, page, tiff


def small(photo):
    return Image.new("RGB", (160, 120), "purple")


def test_the_largest_page_is_the_picture(photo, written, difference):
    first = small(photo)
    data = written(first, "TIFF", save_all=True, append_images=[photo, first])
    picture = decode(data)
    assert (picture.width, picture.height) == photo.size
    assert difference(picture.image, photo) == 0


def test_of_pages_of_one_size_the_first_is_the_picture(photo, written, difference):
    data = written(photo, "TIFF", save_all=True, append_images=[Image.new("RGB", photo.size)])
    assert difference(decode(data).image, photo) == 0


def test_a_blank_page_is_passed_over_for_one_of_its_size(photo, written, difference):
    paper, other = Image.new("RGB", photo.size, "white"), photo.rotate(180)
    data = written(paper, "TIFF", save_all=True, append_images=[small(photo), paper, photo, other])
    assert difference(decode(data).image, photo) == 0
    numbers = [numbers_page(np.asarray(each.convert("L"), np.float32)[..., None]) for each in (paper, photo)]
    assert difference(decode(tiff(numbers)).image, photo.convert("L")) < 2


def test_a_blank_page_stays_where_no_other_of_its_size_shows_anything(photo, written):
    data = written(
        Image.new("RGB", photo.size, "red"),
        "TIFF",
        save_all=True,
        append_images=[small(photo), Image.new("RGB", photo.size, "blue")],
    )
    assert decode(data).image.getpixel((0, 0)) == (255, 0, 0)


def test_a_page_within_a_page_is_found(photo, difference):
    first = page(small(photo), t254=1)
    first.children = [page(photo)]
    assert difference(decode(tiff([first])).image, photo) == 0


def test_a_page_within_is_turned_as_the_first_says(photo):
    first = page(small(photo), t254=1, t274=6)
    first.children = [page(photo)]
    picture = decode(tiff([first]))
    assert (picture.width, picture.height) == (360, 480)


def test_a_mask_is_no_picture(photo, difference):
    mask = page(photo.resize((960, 720)), t254=4)
    assert difference(decode(tiff([page(photo), mask])).image, photo) == 0


def test_a_page_too_large_to_be_read_is_shown_by_its_smaller_copy(photo, difference):
    huge = page(photo)
    huge.tags |= {256: 48_000, 257: 36_000}
    picture = decode(tiff([huge, page(photo, t254=1)]))
    assert (picture.width, picture.height) == (48_000, 36_000)
    assert difference(picture.image, photo) == 0


def test_pages_that_link_in_a_circle_end(photo):
    data = bytearray(tiff([page(photo)]))
    first = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[first : first + 2], "little")
    data[first + 2 + 12 * count : first + 6 + 12 * count] = first.to_bytes(4, "little")
    assert decode(bytes(data)).width == 480


@pytest.mark.filterwarnings("ignore")
def test_libtiff_stays_out_of_the_terminal(photo, written, capfd):
    data = bytearray(written(photo, "TIFF", compression="tiff_lzw"))
    data[2000:4000] = bytes(2000)
    try:
        decode(bytes(data))
    except Exception as error:
        assert "damaged" in str(error)
    assert capfd.readouterr().err == ""


def test_greys_of_16_bits_that_count_from_white_are_not_a_negative(photo, difference):
    grey = photo.convert("L").point(lambda value: 255 - value)
    deep = Image.frombytes("L", (960, 360), bytes(each for value in grey.tobytes() for each in (value, value)))
    tags = {256: 480, 257: 360, 258: 16, 259: 1, 262: 0, 277: 1, 278: 360}
    assert difference(decode(tiff([Directory(tags, deep.tobytes())])).image, photo.convert("L")) < 2
