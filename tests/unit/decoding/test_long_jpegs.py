"""Tests JPEGs that are made to take long: in many scans, with Exif data in many parts, or with a header without end."""

import pytest
from PIL import Image

from library.errors import RejectedImage
from library.images import decode

SCAN, END = b"\xff\xda", b"\xff\xd9"


def test_a_jpeg_of_more_scans_than_any_program_writes_is_rejected_before_it_is_decoded(written):
    whole = written(Image.effect_noise((64, 64), 90), "JPEG", progressive=True)
    last = whole[whole.rindex(SCAN) : -len(END)]
    assert decode(whole[:-2] + 20 * last + END).width == 64
    with pytest.raises(RejectedImage, match="more than 500 scans"):
        decode(whole[:-2] + 500 * last + END)


def test_of_a_large_jpeg_fewer_scans_are_decoded(written):
    whole = written(Image.new("L", (8000, 8000)), "JPEG", progressive=True)
    last = whole[whole.rindex(SCAN) : -len(END)]
    assert decode(whole[:-2] + 10 * last + END).width == 8000
    with pytest.raises(RejectedImage, match="more than 62 scans"):
        decode(whole[:-2] + 62 * last + END)


def test_what_follows_the_end_of_a_jpeg_counts_for_no_scan(written):
    whole = written(Image.effect_noise((64, 64), 90), "JPEG", progressive=True)
    assert decode(whole + 600 * (SCAN + bytes(20))).width == 64


def test_a_jpeg_with_exif_data_in_more_parts_than_any_program_writes_is_rejected_before_it_is_opened(written):
    whole = written(Image.effect_noise((64, 64), 90), "JPEG")
    part = b"\xff\xe1\x00\x14Exif\0\0" + bytes(12)
    assert decode(whole[:2] + 16 * part + whole[2:]).width == 64
    with pytest.raises(RejectedImage, match="more than 16 parts"):
        decode(whole[:2] + 17 * part + whole[2:])


@pytest.mark.parametrize("step", [b"\xff", b"\0", b"\xff\xfe\0\2"])
def test_a_jpeg_with_more_ahead_of_its_data_than_any_program_writes_is_rejected_before_it_is_opened(written, step):
    whole = written(Image.effect_noise((64, 64), 90), "JPEG")
    with pytest.raises(RejectedImage, match="more parts than any program"):
        decode(whole[:2] + (1 << 18) * step + whole[2:])


def test_a_jpeg_with_some_filling_ahead_of_its_data_is_decoded(written):
    whole = written(Image.effect_noise((64, 64), 90), "JPEG")
    assert decode(whole[:2] + 1000 * b"\xff" + whole[2:]).width == 64
