"""Checks that a picture which was only enlarged is told from a larger original, whatever its file is."""

import os
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from library.duplicates.enlarged import is_enlarged
from testing.photo import photo_like
from testing.skipping import skip_or_fail

KODAK = sorted((Path(os.environ.get("PHOTOS_DIR", "")) / "kodak").glob("*.png"))
Scale = Image.Resampling
SHARPENED = ImageFilter.UnsharpMask(2, 80, 0)


def saved(image, format, **options):
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def drawn():
    return [photo_like().crop((100, 60, 340, 300))]


def real():
    """Returns the middles of two photos."""
    if not KODAK:
        skip_or_fail("PHOTOS_DIR has no kodak")
    return [Image.open(path).convert("RGB").crop((100, 60, 356, 316)) for path in KODAK[:2]]


def resized(image, factor, kernel=Scale.LANCZOS):
    return image.resize((round(image.width * factor), round(image.height * factor)), kernel)


@pytest.mark.parametrize("images", [drawn, real])
def test_an_enlarged_copy_holds_no_more_than_the_lossless_original(images):
    for image in images():
        small = resized(image, 0.5)
        original = saved(small, "PNG")
        assert is_enlarged(saved(resized(small, 2, Scale.NEAREST), "PNG"), original)
        sharper = resized(small, 1.5, Scale.BICUBIC).filter(SHARPENED)
        for large in (resized(small, 2, Scale.BILINEAR), resized(small, 2, Scale.BICUBIC), sharper):
            assert is_enlarged(saved(large, "PNG"), original)
            assert is_enlarged(saved(large, "JPEG", quality=30), original)


@pytest.mark.parametrize("images", [drawn, real])
def test_a_larger_original_holds_more_than_its_smaller_copy(images):
    for image in images():
        for factor in (0.4, 0.5, 0.75):
            small = saved(resized(image, factor), "PNG")
            for large in (saved(image, "PNG"), saved(image, "JPEG", quality=95), saved(image, "JPEG", quality=75)):
                assert not is_enlarged(large, small)


def test_of_pictures_without_structure_or_nearly_as_large_nothing_is_told():
    plain = Image.new("RGB", (64, 64), "red")
    for size in ((60, 60), (32, 32), (3, 2)):
        assert not is_enlarged(saved(plain, "PNG"), saved(plain.resize(size), "PNG"))
    assert not is_enlarged(saved(plain.resize((8, 8)), "PNG"), saved(plain.resize((4, 4)), "PNG"))
