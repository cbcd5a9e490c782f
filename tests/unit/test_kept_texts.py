"""Reads texts by what was kept of a model, as transformers and torch read them."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from encoders.engines.keeping_texts import keep_exact_texts
from encoders.engines.kept import KeptTowers
from encoders.engines.kept_texts import kept_note, open_kept
from encoders.loading import load_encoder
from testing.families import FAMILIES, save
from testing.tiny_clip import save_tiny_clip

TEXTS = ["a red circle", " A Photo ", "", "a photo of a blue circle " * 40]


def refuse():
    raise AssertionError("the whole model is not needed")


def kept_of(encoder, home, load=refuse):
    kept = KeptTowers(home, encoder.info.fingerprint)
    keep_exact_texts(encoder, kept, "reading")
    return open_kept(encoder.info.fingerprint, "reading", home, load)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_texts_of_every_family_are_read_alike(family, tmp_path):
    encoder = load_encoder(str(save(family, tmp_path / "tiny")))
    found = kept_of(encoder, tmp_path)
    assert found.info == encoder.info and found.info.preprocessing == encoder.info.preprocessing
    assert found.encode_texts(TEXTS) == pytest.approx(encoder.encode_texts(TEXTS), abs=1e-4)
    assert [found.cuts(text) for text in TEXTS] == [encoder.cuts(text) for text in TEXTS]


@pytest.fixture
def tiny(tmp_path):
    return load_encoder(str(save_tiny_clip(tmp_path / "tiny")))


def test_of_a_tower_that_is_cut_short_nothing_is_taken(tiny, tmp_path):
    kept_of(tiny, tmp_path)
    [file] = tmp_path.rglob("texts-*.onnx")
    file.write_bytes(file.read_bytes()[:100])
    assert open_kept(tiny.info.fingerprint, "reading", tmp_path, refuse) is None


def test_of_a_note_that_cannot_be_read_nothing_is_taken(tiny, tmp_path):
    kept_of(tiny, tmp_path)
    [note] = tmp_path.rglob("reading.json")
    for content in ("{", "{}", '{"texts": "texts-float32", "info": {"name": "tiny"}}'):
        note.write_text(content)
        assert open_kept(tiny.info.fingerprint, "reading", tmp_path, refuse) is None


def test_a_picture_is_encoded_by_the_whole_model(tiny, tmp_path, picture):
    images = [Image.open(BytesIO(picture("red"))).convert("RGB")]
    found = kept_of(tiny, tmp_path, load=lambda: tiny)
    assert np.array_equal(found.encode_images(images), tiny.encode_images(images))


@pytest.mark.parametrize("changed", [{"engine": "onnx"}, {"dtype": "float32"}, {"device": "cpu"}, {"text_model": "x"}])
def test_what_was_kept_for_other_settings_has_another_name(changed):
    settings = {"model": "small", "engine": "auto", "device": "auto", "dtype": "auto", "text_model": ""}
    assert kept_note(**settings) != kept_note(**{**settings, **changed})


def test_models_of_the_same_weights_keep_their_own_names():
    one, other, elsewhere = (kept_note(name, "auto", "cpu", "auto", "") for name in ("/a/one", "/a/other", "/b/one"))
    assert one != other and one == elsewhere
