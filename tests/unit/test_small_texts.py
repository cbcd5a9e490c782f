"""Checks that the small CLIP reads Korean and Traditional Chinese as it reads English."""

import os
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from encoders.loading import load_encoder
from encoders.small_texts.tower import FOLDER, small_texts
from training.small.captions import CLASSES, GROUPS
from training.small.measure import SmallClip
from training.small_texts.captions import TEMPLATES, class_prompts, new_caption, words

PHOTOS = Path(os.environ.get("PHOTOS_DIR", "")) / "caltech101" / "validation"
needs_photos = pytest.mark.skipif(
    not (os.environ.get("PHOTOS_DIR") and PHOTOS.is_dir()), reason="PHOTOS_DIR has no caltech101/validation"
)


@pytest.fixture(scope="module")
def texts():
    return small_texts()


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("small", dtype="float32")


def test_it_stays_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) <= 3_000_000


def test_every_class_and_group_has_a_translation():
    said = words()
    assert {names[0] for names in CLASSES.values()} | set(GROUPS) - {"electronic device"} <= set(said) | {"cat"}
    assert all(korean and chinese for korean, chinese in said.values())


def test_a_translation_is_in_its_own_script():
    for korean, chinese in words().values():
        assert all("가" <= letter <= "힣" or letter == " " for text in korean for letter in text), korean
        assert all(letter > "\u3000" and not "가" <= letter <= "힣" for text in chinese for letter in text), chinese


def test_every_template_takes_a_name():
    assert all("{" in each for templates in TEMPLATES.values() for each in templates)


def test_english_has_the_vectors_that_it_had(texts):
    english = ["a photo of a leopard", "three blue circles", "someone's umbrella, 1999!", ""]
    assert np.sum(texts.encode(english) * SmallClip().texts(english).numpy(), axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("english", "others"),
    [
        ("a leopard", ["표범", "花豹", "표범 사진", "花豹的照片", "표범이 있는 사진"]),
        ("a red circle", ["빨간 원", "紅色圓形", "빨간 동그라미"]),
        ("three blue circles", ["파란 원 세 개", "三個藍色的圓形"]),
        ("a sunset", ["석양", "夕陽"]),
    ],
)
def test_other_languages_say_the_same(texts, english, others):
    [aim] = texts.encode([english])
    assert (texts.encode(others) @ aim).min() > 0.8
    assert (texts.encode(["피자", "披薩"]) @ aim).max() < 0.8


def test_class_prompts_are_nearest_to_their_own_english(texts):
    english, *others = zip(*class_prompts(), strict=True)
    aims = texts.encode(list(english))
    for language in others:
        nearest = np.argmax(texts.encode(list(language)) @ aims.T, axis=1)
        assert np.mean(nearest == np.arange(len(aims))) >= 0.97


def test_captions_are_the_same_on_every_run():
    assert new_caption(Random(3), words()) == new_caption(Random(3), words())


@needs_photos
def test_photos_fall_to_the_same_class_in_every_language(encoder):
    photos = [
        Image.open(path).convert("RGB") for name in CLASSES for path in islice(sorted((PHOTOS / name).iterdir()), 3)
    ]
    images = encoder.encode_images(photos)
    english, *others = (
        np.argmax(images @ encoder.encode_texts(list(each)).T, axis=1) for each in zip(*class_prompts(), strict=True)
    )
    for language in others:
        assert np.mean(language == english) >= 0.93  # 0.98 when measured


@needs_photos
@pytest.mark.parametrize("text", ["leopard", "표범", "花豹"])
def test_a_leopard_is_found_in_every_language(encoder, text):
    folders = ["Motorbikes", "airplanes", "Leopards", "sunflower", "pizza", "dalmatian"]
    photos = [Image.open(sorted((PHOTOS / folder).iterdir())[0]).convert("RGB") for folder in folders]
    scores = encoder.encode_images(photos) @ encoder.encode_texts([text])[0]
    assert folders[int(np.argmax(scores))] == "Leopards"
