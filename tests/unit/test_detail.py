"""Checks that the detail of a picture falls with what its file has lost, whatever the file is now."""

import math
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from library.duplicates.detail import detail_of, rank_of
from library.errors import RejectedImage
from testing.pictures import samples


def saved(image, format, **options):
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def photo_like():
    """Returns noise as a lens would show it: coarse structure strong, fine structure weak."""
    rng = np.random.default_rng(1)
    layers = [
        Image.fromarray(rng.integers(0, 255, (side, side), dtype=np.uint8)).resize((256, 256), Image.Resampling.BICUBIC)
        for side in (8, 64, 256)
    ]
    weights = (0.6, 0.3, 0.1)
    mixed = sum(weight * np.asarray(layer, np.float32) for weight, layer in zip(weights, layers, strict=True))
    return Image.fromarray(mixed.astype(np.uint8)).convert("RGB")


def drawings():
    return [Image.open(BytesIO(data)).convert("RGB") for data in list(samples().values())[:2]]


def rank(data):
    return detail_of(data).rank


def test_a_coarse_copy_never_has_more_detail_than_the_lossless_original():
    for image in [photo_like(), *drawings()]:
        originals = (saved(image, "PNG"), saved(image, "WEBP", lossless=True), saved(image, "BMP"))
        least = min(map(rank, originals))
        assert max(rank(saved(image, "JPEG", quality=quality)) for quality in (10, 30, 50)) < least
        assert rank(saved(image, "WEBP", quality=30)) <= least


def test_detail_falls_with_the_quality_of_a_jpeg():
    image = photo_like()
    ranks = [rank(saved(image, "JPEG", quality=quality)) for quality in (10, 30, 50, 75, 95)]
    assert ranks == sorted(set(ranks))


def test_detail_that_was_lost_does_not_come_back_with_a_better_format():
    image = photo_like()
    coarse = Image.open(BytesIO(saved(image, "JPEG", quality=30)))
    for again in (saved(coarse, "PNG"), saved(coarse, "JPEG", quality=95), saved(coarse, "WEBP", lossless=True)):
        assert rank(again) < rank(saved(image, "JPEG", quality=75))


def test_a_picture_without_any_detail_and_a_tiny_one_have_a_rank():
    for size in ((64, 64), (3, 2), (8, 1)):
        detail = detail_of(saved(Image.new("RGB", size, "red"), "PNG"))
        assert detail.share == 0 and math.isfinite(detail.rank[0])
    assert rank_of(None) < rank_of(detail)


def test_what_is_no_picture_is_rejected():
    with pytest.raises(RejectedImage):
        detail_of(b"text")
