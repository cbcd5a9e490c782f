"""Holds that texts find the same pictures, whichever engine computes them and whichever computed the pictures."""

import os
from itertools import islice, product
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from encoders.engines.calibration import NEIGHBOURS
from encoders.engines.eight_bits import PAIRS, SEVEN_BITS, EightBits
from encoders.engines.kept import KeptTowers
from encoders.engines.towers import EXACT, Way, image_tower, text_tower
from encoders.loading import load_encoder
from library.samples.pictures import draw
from training.small.captions import CLASSES

FLOAT, HALVES, EIGHT_BITS = Way("onnx", "float32", 1), Way("torch", "bfloat16", 1), Way("onnx", "int8", 1)
TEXTS = [f"a photo of a {names[0]}" for names in CLASSES.values()]


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("small", dtype="float32")


@pytest.fixture(scope="module")
def texts(encoder, tmp_path_factory):
    """Returns the vectors of the texts in every way: those in 8 bits with the weights that any processor may need."""
    tokens, kept, bits = encoder.texts.tokens(TEXTS), KeptTowers(tmp_path_factory.mktemp("texts"), "0"), EightBits()
    tower = text_tower(encoder.texts, kept, bits)
    found = {str(way): tower.by(way)(tokens) for way in (EXACT, HALVES, FLOAT)}
    for limit in (bits.limit, PAIRS, SEVEN_BITS):
        narrower = EightBits()
        narrower.limit = limit
        found[f"8 bits{limit.suffix}"] = text_tower(encoder.texts, kept, narrower).by(EIGHT_BITS)(tokens)
    return found


@pytest.fixture(scope="module")
def pictures(encoder, tmp_path_factory):
    tower = image_tower(encoder, KeptTowers(tmp_path_factory.mktemp("images"), "0"), EightBits())
    pixels = encoder.pixels(some_pictures())
    return {str(way): tower.by(way)(pixels) for way in (EXACT, EIGHT_BITS)}


def some_pictures():
    """Returns photos of all classes, or drawings where no photos are."""
    folder = Path(os.environ.get("PHOTOS_DIR", "")) / "caltech101" / "validation"
    if not (os.environ.get("PHOTOS_DIR") and folder.is_dir()):
        return [draw(Random(seed)).image.convert("RGB") for seed in range(100)]
    classes = sorted(each for each in folder.iterdir() if each.is_dir())
    paths = [path for each in classes for path in islice(sorted(each.glob("*.jpg")), 1)]
    return [Image.open(path).convert("RGB") for path in paths]


def nearest(asked, stored):
    return np.argsort(-asked @ stored.T, axis=1)[:, :NEIGHBOURS]


def overlap(found, expected):
    return np.mean([len(set(one) & set(other)) / NEIGHBOURS for one, other in zip(found, expected, strict=True)])


def test_texts_of_all_engines_and_precisions_find_the_same_pictures(texts, pictures):
    assert len(texts) >= 4
    expected = nearest(texts[str(EXACT)], pictures[str(EXACT)])
    for asked, stored in product(texts.values(), pictures.values()):
        assert overlap(nearest(asked, stored), expected) >= 0.95


def test_a_text_is_nearest_to_itself_by_every_other_engine_and_precision(texts):
    for asked, stored in product(texts.values(), repeat=2):
        assert np.mean(np.argmax(asked @ stored.T, axis=1) == np.arange(len(TEXTS))) >= 0.99
        assert overlap(nearest(asked, stored), nearest(texts[str(EXACT)], texts[str(EXACT)])) >= 0.95
