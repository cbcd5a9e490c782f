"""Compares how pictures are prepared in 8 bits with each family's own processor."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPImageProcessorPil

from encoders.pixels import NAME, quick_pixels
from testing.families import FAMILIES

SIZES = ((640, 480), (480, 640), (501, 333), (20, 15), (900, 41), (32, 32))
LEVEL = 1 / 255


@pytest.fixture(params=FAMILIES, ids=lambda family: family.name)
def family(request):
    return request.param


def photo(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    rng = np.random.default_rng(sum(size))
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    noisy = np.clip(np.asarray(coarse) + rng.normal(0, 8, (size[1], size[0], 3)), 0, 255)
    return Image.fromarray(noisy.astype(np.uint8)).convert(mode)


def of_family(processor, images):
    return processor(images=images, return_tensors="pt")[NAME]


def processor_of(**settings):
    return CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}, **settings)


def test_every_family_but_the_one_that_sends_patches_is_prepared_in_8_bits(family):
    assert (quick_pixels(family.processor()) is None) == (family.name == "SigLIP 2")


@pytest.mark.parametrize("size", SIZES)
def test_pixels_are_the_processors_up_to_roundings(family, size):
    processor = family.processor()
    if quick := quick_pixels(processor):
        own, found = of_family(processor, [photo(size)]), quick([photo(size)])[NAME]
        levels = ((own - found) * torch.tensor(processor.image_std)[:, None, None] / LEVEL).abs()
        assert own.shape == found.shape and own.dtype == found.dtype
        assert levels.max() < 1.01 and levels.mean() < 0.1
        assert torch.cosine_similarity(own.flatten(), found.flatten(), dim=0) > 0.9999


def test_many_pictures_are_prepared_as_each_alone():
    quick = quick_pixels(processor_of())
    images = [photo(size) for size in SIZES]
    assert torch.equal(quick(images)[NAME], torch.cat([quick([image])[NAME] for image in images]))


def test_a_picture_in_grey_is_prepared_in_three_channels():
    processor = processor_of()
    found = quick_pixels(processor)([photo((64, 48), "L")])[NAME]
    assert torch.allclose(found, of_family(processor, [photo((64, 48), "L")]), atol=0.05)


@pytest.mark.parametrize(
    "settings",
    [
        {"resample": Image.Resampling.LANCZOS},
        {"do_normalize": False},
        {"do_center_crop": False},
        {"do_pad": True, "pad_size": {"height": 40, "width": 40}},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_a_processor_that_does_anything_else_prepares_its_own_pictures(settings):
    assert quick_pixels(processor_of(**settings)) is None


def test_a_processor_whose_pixels_differ_prepares_its_own_pictures():
    class Brighter(CLIPImageProcessorPil):
        def _preprocess(self, images, **options):
            return super()._preprocess([np.minimum(image, 245) + 10 for image in images], **options)

    brighter = Brighter(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    assert quick_pixels(brighter) is None
