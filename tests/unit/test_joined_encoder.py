"""Holds that searches that come at the same time are encoded in one batch, each as it would be alone."""

from functools import partial
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from library.image_library import ImageLibrary
from library.running.together import Together
from library.search.joined_encoder import PICTURES, JoinedEncoder
from library.search.query import Query
from testing.fakes import COLOURS, ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.gathering import Held, gathered
from testing.pictures import item

texts = st.lists(st.sampled_from([*COLOURS, "sea"]), min_size=1, max_size=10).map(" ".join)
colours = st.tuples(*[st.integers(0, 255)] * 3).map(lambda colour: Image.new("RGB", (4, 4), colour))


def png(colour):
    buffer = BytesIO()
    Image.new("RGB", (64, 48), colour).save(buffer, "PNG")
    return buffer.getvalue()


class HeldEncoder(ColourEncoder):
    """Holds the first call of each tower, and refuses pictures that are one pixel wide."""

    def __init__(self):
        self.encode_texts = Held(super().encode_texts)
        self.encode_images = Held(self._encode_images)

    def _encode_images(self, images):
        if any(image.width == 1 for image in images):
            raise ValueError("one pixel")
        return super().encode_images(images)


def encoded_together(tower, asked):
    """Encodes what several ask for while the encoder is held; returns the vectors of each, and the batches."""
    together, encoder = Together(), HeldEncoder()
    calls = [partial(getattr(JoinedEncoder(encoder, together), tower), each) for each in asked]
    held = getattr(encoder, tower)
    return gathered(together, calls, held), held.given


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(texts, min_size=1, max_size=3), min_size=1, max_size=5))
def test_texts_have_the_vectors_that_they_have_alone_whoever_asks_beside_them(asked):
    vectors, batches = encoded_together("encode_texts", asked)
    for own, given_texts in zip(vectors, asked, strict=True):
        assert np.array_equal(own, ColourEncoder().encode_texts(given_texts))
    assert [len(batch) for batch in batches] == [len(asked[0]), *([sum(map(len, asked[1:]))] if asked[1:] else [])]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(colours, min_size=1, max_size=3), min_size=1, max_size=5))
def test_pictures_have_the_vectors_that_they_have_alone_whoever_asks_beside_them(asked):
    vectors, _ = encoded_together("encode_images", asked)
    for own, pictures in zip(vectors, asked, strict=True):
        assert np.array_equal(own, ColourEncoder().encode_images(pictures))


def test_texts_of_like_length_are_beside_each_other():
    _, batches = encoded_together("encode_texts", [["red"], ["red red red"], ["sea"], ["green blue"]])
    assert batches == [["red"], ["sea", "green blue", "red red red"]]


def test_a_picture_that_cannot_be_encoded_fails_nobody_else():
    asked = [[Image.new("RGB", size, "red")] for size in ((4, 4), (4, 4), (1, 1), (4, 4))]
    first, second, failed, last = encoded_together("encode_images", asked)[0]
    assert type(failed) is ValueError and str(failed) == "one pixel"
    assert np.array_equal(first, second) and np.array_equal(first, last)


def test_many_pictures_are_encoded_a_few_at_a_time():
    asked = [[Image.new("RGB", (4, 4), "red")]] * (PICTURES + 2)
    assert [len(batch) for batch in encoded_together("encode_images", asked)[1]] == [1, PICTURES, 1]


@pytest.fixture
def filled():
    encoder = HeldEncoder()
    encoder.encode_images.let_go.set()
    together = Together()
    library = ImageLibrary(MemoryStore(), ready(encoder), MemoryDatabase(), together=together)
    list(library.add([item(f"{colour}.png", png(colour)) for colour in COLOURS]))
    return library, encoder, together


def test_searches_of_several_are_encoded_in_one_batch_and_each_gets_its_own_answer(filled):
    library, encoder, together = filled
    words = ["red", "green", "blue", "red blue"]
    calls = [partial(library.search, Query.of(each)) for each in words]
    answers = gathered(together, calls, encoder.encode_texts)
    assert [len(batch) for batch in encoder.encode_texts.given] == [1, 3]
    for word, answer in zip(words, answers, strict=True):
        assert answer.hits == library.search(Query.of(word)).hits
        assert 0 <= answer.timings.encode <= answer.timings.total


def test_what_is_imported_is_never_in_a_batch_with_searches(filled, monkeypatch):
    library, _, together = filled
    monkeypatch.setattr(together, "ask", None)
    assert [receipt.status for receipt in library.add([item("new.png", png("yellow"))])] == ["new"]
