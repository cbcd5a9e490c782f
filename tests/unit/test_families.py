"""Loads every family of models by its folder, and compares it with plain transformers."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

from encoders.loading import load_encoder
from library.images import decode
from testing.families import FAMILIES, save

TEXTS = ["a red circle", "photo", "a photo of a blue circle " * 20]


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.name)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def folder(family, tmp_path_factory):
    return save(family, tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def encoder(folder):
    return load_encoder(str(folder), dtype="float32")


@pytest.fixture(scope="module")
def photos():
    """Returns JPEGs as a camera makes them: large, and smooth."""
    return [jpeg(seed) for seed in range(6)]


def jpeg(seed: int) -> bytes:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((1600, 1200), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(2))
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def plain_images(folder, images):
    model, processor = (
        AutoModel.from_pretrained(folder).eval(),
        AutoImageProcessor.from_pretrained(folder, backend="pil"),
    )
    with torch.inference_mode():
        return unit(model.get_image_features(**processor(images=images, return_tensors="pt")).pooler_output)


def plain_texts(folder, family, texts):
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    padding = "max_length" if family.name.startswith("SigLIP") else True
    tokens = tokenizer(texts, padding=padding, truncation=True, max_length=family.context, return_tensors="pt")
    with torch.inference_mode():
        return unit(model.get_text_features(**tokens).pooler_output)


def unit(features):
    return torch.nn.functional.normalize(features, dim=-1).numpy()


def cosines(one, other):
    return np.sum(one * other, axis=1)


def test_vectors_are_float32_of_one_length_and_unit_norm(encoder):
    images = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "blue")]
    for vectors in (encoder.encode_images(images), encoder.encode_texts(TEXTS)):
        assert vectors.shape == (3, encoder.info.dim) and vectors.dtype == np.float32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_in_float32_vectors_are_those_of_plain_transformers(encoder, folder, family, photos):
    images = [Image.open(BytesIO(data)).convert("RGB") for data in photos]
    expected = plain_images(folder, images)
    assert cosines(encoder.encode_images(images), expected).min() >= 0.9999
    assert cosines(expected[:1], expected[1:2]).max() < 0.9999  # the pictures are told apart
    expected = plain_texts(folder, family, TEXTS)
    assert cosines(encoder.encode_texts(TEXTS), expected).min() >= 0.9999
    assert cosines(expected[:1], expected[1:2]).max() < 0.9999


def test_half_precision_and_reduced_decoding_cost_next_to_nothing(folder, photos):
    half = load_encoder(str(folder), dtype="bfloat16")
    found = half.encode_images([decode(data, half.info.working_side).image for data in photos])
    full = plain_images(folder, [Image.open(BytesIO(data)).convert("RGB") for data in photos])
    assert cosines(found, full).min() >= 0.998


def test_the_processor_is_the_familys_own(encoder, folder):
    said = AutoImageProcessor.from_pretrained(folder, backend="pil")
    shown = encoder.info.preprocessing
    assert (tuple(shown["image_mean"]), shown["resample"]) == (tuple(said.image_mean), int(said.resample))
    assert encoder.info.input_side in (28, 32)


def test_each_patch_has_a_vector_in_the_space_of_the_texts(encoder, photos):
    patches = encoder.encode_patches(decode(photos[0]).image)
    rows, columns, dim = patches.each.shape
    assert rows * columns >= 4 and dim == encoder.info.dim
    assert np.linalg.norm(patches.each, axis=2) == pytest.approx(1, abs=1e-5)
    assert patches.whole @ encoder.encode_images([decode(photos[0]).image])[0] >= 0.999
    assert np.ptp(patches.each, axis=(0, 1)).max() > 1e-3  # one is not the other


def test_a_text_beyond_the_context_is_told(encoder, family):
    assert not encoder.cuts("a red circle") and encoder.cuts("red " * family.context)
