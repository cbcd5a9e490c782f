"""Checks that an animation is known by its first frame that shows something."""

import pytest
from PIL import Image

from library.images import decode


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "AVIF"])
@pytest.mark.parametrize("blanks", [1, 3])
def test_blank_frames_are_passed_over(photo, written, difference, format, blanks):
    shades = [Image.new("RGB", photo.size, (9 * number, 0, 0)) for number in range(blanks)]
    data = written(shades[0], format, save_all=True, append_images=[*shades[1:], photo], duration=100)
    assert difference(decode(data).image, photo) < 8


def test_transparent_frames_are_blank(photo, written, difference):
    clear = Image.new("RGBA", photo.size, (0, 0, 0, 0))
    data = written(clear, "WEBP", save_all=True, append_images=[photo.convert("RGBA")], duration=100)
    assert difference(decode(data).image, photo) < 8


def test_the_first_frame_stays_where_all_are_blank(written):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue", "green")]
    data = written(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(data).image.getpixel((0, 0)) == (255, 0, 0)
