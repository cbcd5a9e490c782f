"""Checks that pictures come in the colours of their profile, for the encoder, the thumbnail and the preview."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from encoders.loading import load_encoder
from library.images import decode, preview, thumbnail
from testing.profiles import ADOBE_RGB, P3, cmyk_profile, converted, grey_profile, rgb_profile

WIDE = {"Display P3": rgb_profile(P3), "Adobe RGB": rgb_profile(ADOBE_RGB)}


@pytest.fixture(params=WIDE)
def profile(request):
    return WIDE[request.param]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_picture_in_wide_colours_looks_like_the_same_in_srgb(photo, written, difference, profile, format):
    data = written(converted(photo, profile), format, quality=95, icc_profile=profile)
    assert difference(Image.open(BytesIO(data)), photo) > 4
    assert difference(decode(data).image, photo) < 1.5


def test_thumbnail_and_preview_are_in_srgb_too(photo, written, difference, profile):
    data = written(converted(photo, profile), "JPEG", quality=95, icc_profile=profile)
    for small in (thumbnail(decode(data)), preview(data)):
        shown = Image.open(BytesIO(small))
        assert difference(shown, photo) < 3
        assert "icc_profile" not in shown.info


def test_the_encoder_takes_both_for_the_same(photos, written, profile):
    photo = Image.open(photos / "kodak" / "23.png").convert("RGB")
    encoder = load_encoder("small")
    images = [photo, decode(written(converted(photo, profile), "JPEG", quality=95, icc_profile=profile)).image]
    one, other = encoder.encode_images(images)
    assert one @ other >= 0.999


def test_greys_are_read_by_their_profile(written):
    grey = Image.new("L", (20, 20), 128)
    assert decode(written(grey, icc_profile=grey_profile(1.0))).image.getpixel((0, 0)) == pytest.approx(
        (188,) * 3, abs=1
    )


def test_greys_with_transparency_are_read_by_their_profile(written):
    data = written(Image.new("LA", (20, 20), (128, 255)), icc_profile=grey_profile(1.0))
    assert decode(data).image.getpixel((0, 0)) == pytest.approx((188,) * 3, abs=1)


def test_greys_with_the_profile_of_colours_are_read_by_it(written):
    data = written(Image.new("L", (20, 20), 128), icc_profile=rgb_profile(P3, gamma=1.0))
    assert decode(data).image.getpixel((0, 0)) == pytest.approx((188,) * 3, abs=2)


def test_inks_are_read_by_their_profile(written):
    inks = Image.new("CMYK", (20, 20), (0, 255, 255, 0))
    shown = decode(written(inks, "JPEG", quality=95, icc_profile=cmyk_profile())).image.getpixel((0, 0))
    assert shown == pytest.approx((255, 51, 51), abs=8)


@pytest.mark.parametrize("profile", [b"", b"no profile", grey_profile(2.2), cmyk_profile()])
def test_a_profile_that_does_not_fit_changes_nothing(written, profile):
    data = written(Image.new("RGB", (20, 20), (200, 100, 50)), icc_profile=profile)
    assert decode(data).image.getpixel((0, 0)) == (200, 100, 50)


def test_pixels_in_srgb_stay_as_they_are(photo, written):
    data = written(photo, icc_profile=rgb_profile(P3, name="sRGB IEC61966-2.1"))
    assert np.array_equal(np.asarray(decode(data).image), np.asarray(photo))
