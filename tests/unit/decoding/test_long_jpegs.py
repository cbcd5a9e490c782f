"""Tests JPEGs that are made to take long: in many scans, or with Exif data in many parts."""

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


def test_what_follows_the_end_of_a_jpeg_counts_for_no_scan(written):
    whole = written(Image.effect_noise((64, 64), 90), "JPEG", progressive=True)
    assert decode(whole + 600 * (SCAN + bytes(20))).width == 64


def test_a_jpeg_with_exif_data_in_more_parts_than_any_program_writes_is_rejected_before_it_is_opened(written):
    whole = written(Image.effect_noise((64, 64), 90), "JPEG")
    part = b"\xff\xe1\x00\x14Exif\0\0" + bytes(12)
    assert decode(whole[:2] + 16 * part + whole[2:]).width == 64
    with pytest.raises(RejectedImage, match="more than 16 parts"):
        decode(whole[:2] + 17 * part + whole[2:])
