"""Checks how far hits stand out: what is measured, what is claimed, and when nothing is."""

import json
import re
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.auroc import Best, compared
from benchmarks.texts_without_match import FIGURE, TUNING
from library.errors import IndexUnavailable
from library.image_library import ImageLibrary
from library.ports import EncoderInfo, Vectors
from library.search.null_models import KEPT_FOR, LOOKED_AFTER, NullModels
from library.search.query import Query
from library.search.relevance import (
    CONFIDENT,
    FEWEST,
    NULLS,
    SAMPLE,
    NullModel,
    Relevance,
    fitted,
    is_confident,
    meaningless_texts,
    measured,
    sample_of,
)
from testing.fakes import ready
from testing.pictures import item, record, unit_vectors
from training.small.captions import CLASSES, GROUPS
from ui.views import View, answer_view

DIM = 32
PICTURES = 200


class HashEncoder:
    """Encodes every text as a random vector, but `picture 7` as the vector of picture 7."""

    info = EncoderInfo("hash", "0" * 12, DIM, "cpu", "float32")

    def __init__(self) -> None:
        self.encoded = 0

    def encode_images(self, images) -> Vectors:
        return unit_vectors(len(images), DIM, seed=1)

    def encode_texts(self, texts) -> Vectors:
        self.encoded += len(texts)
        return np.concatenate([self._text(text) for text in texts])

    def cuts(self, text) -> bool:
        return False

    def _text(self, text: str) -> Vectors:
        if match := re.fullmatch(r"picture (\d+)", text):
            return VECTORS[int(match[1])][np.newaxis]
        return unit_vectors(1, DIM, seed=zlib.crc32(text.encode()))


VECTORS = unit_vectors(PICTURES, DIM)
RECORDS = [record(number) for number in range(PICTURES)]


@pytest.fixture
def encoder():
    return HashEncoder()


def put(store, database, numbers):
    for number in numbers:
        store.add(RECORDS[number], None, b"")
    database.collection(HashEncoder.info).upsert([RECORDS[number] for number in numbers], VECTORS[[*numbers]])


@pytest.fixture
def pictures(store, database, encoder):
    put(store, database, range(PICTURES))
    library = ImageLibrary(store, ready(encoder), database)
    yield library
    library.close()


@pytest.fixture
def judged(pictures):
    pictures.calibrate(wait=True)
    return pictures


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


# What is claimed


def test_the_picture_that_was_meant_stands_out_and_no_other(judged):
    answer = judged.search(Query.of("picture 7", limit=10))
    first, *others = [answer.relevance[hit.record.content_id] for hit in answer.hits]
    assert answer.hits[0].record == RECORDS[7]
    assert (first.words, first.percentile, answer.confident) == ("stands out", 100, True)
    assert {each.words for each in others} == {"weak"}


def test_of_random_texts_about_one_in_twenty_seems_to_have_a_match(judged):
    confident = [judged.search(Query.of(f"random {number}", limit=1)).confident for number in range(300)]
    assert 0.01 <= np.mean(confident) <= 0.12


def test_a_better_hit_never_stands_out_less(judged):
    answer = judged.search(Query.of("something", limit=50))
    z = [answer.relevance[hit.record.content_id].z for hit in answer.hits]
    percentiles = [answer.relevance[hit.record.content_id].percentile for hit in answer.hits]
    assert z == sorted(z, reverse=True)
    assert percentiles == sorted(percentiles, reverse=True)


def test_texts_pictures_and_mixes_have_scales_of_their_own(judged, picture, encoder):
    null_model = judged._null_models.of(encoder)
    assert set(null_model.scales) == {"text", "picture", "mix"}
    for query in (Query.of("words"), Query.of(image=picture("red")), Query.of("words", image=picture("red"))):
        assert judged.search(query).confident is not None
    levels = {round(scale.level, 6) for scale in null_model.scales.values()}
    assert len(levels) == 3


def test_a_picture_does_not_count_among_those_that_should_resemble_it(judged, encoder):
    null_model = judged._null_models.of(encoder)
    place = null_model.ids.index(RECORDS[7].content_id)
    others = np.delete(null_model.vectors, place, axis=0) @ VECTORS[7]
    assert null_model.baseline_score(VECTORS[7], [RECORDS[7].content_id]) == pytest.approx(np.median(others), abs=1e-6)
    answer = judged.search(Query.of(similar_to=RECORDS[7].content_id, limit=5))
    assert RECORDS[7].content_id not in answer.relevance
    assert answer.confident is False


def test_a_larger_collection_asks_for_a_higher_score(store, database, encoder):
    put(store, database, range(FEWEST))
    few = NullModels(store, database)
    few.measure(encoder)
    put(store, database, range(PICTURES))
    many = NullModels(store, database)
    many.measure(encoder)
    score, baseline_score = 0.6, 0.0
    z = [each.of(encoder).scales["text"].relevance(score, baseline_score).z for each in (few, many)]
    assert z[0] > z[1]


def test_nothing_is_claimed_of_few_pictures(store, database, encoder):
    put(store, database, range(FEWEST - 1))
    library = ImageLibrary(store, ready(encoder), database)
    library.calibrate(wait=True)
    answer = library.search(Query.of("picture 7"))
    assert (answer.relevance, answer.confident, encoder.encoded) == ({}, None, 1)


def test_nothing_is_claimed_where_meaningless_queries_are_all_alike(library, picture):
    list(library.add([item(f"{n}.png", picture((n, 255 - n, 40))) for n in range(FEWEST)]))
    library.calibrate(wait=True)
    assert library.search(Query.of("red")).confident is None


def test_an_answer_without_hits_claims_nothing(judged):
    answer = judged.search(Query.of("something", min_score=0.99))
    assert (answer.hits, answer.confident) == ([], None)


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=3, max_size=40))
def test_scores_on_the_line_do_not_stand_out_and_those_above_it_do(pairs):
    baseline_score, best = np.array(pairs).T
    scale = fitted(baseline_score, best)
    if scale is None:
        return
    expected = scale.level + scale.slope * 0.1
    assert scale.relevance(expected, 0.1).z == pytest.approx(0, abs=1e-4)
    assert scale.relevance(expected + 3 * scale.spread, 0.1).z == pytest.approx(3, abs=1e-4)
    assert scale.deviations.mean() == pytest.approx(0, abs=1e-3)
    assert list(scale.deviations) == sorted(scale.deviations)


def test_the_line_through_noise_is_found():
    rng = np.random.default_rng(0)
    baseline_score = rng.uniform(0, 0.5, NULLS)
    scale = fitted(baseline_score, 0.3 + 0.4 * baseline_score + rng.normal(0, 0.05, NULLS))
    assert (scale.level, scale.slope, scale.spread) == pytest.approx((0.3, 0.4, 0.05), abs=0.05)


@given(st.lists(st.floats(-3, 5), min_size=1))
def test_an_answer_is_as_confident_as_its_best_hit(values):
    found = [Relevance("weak", z, 0.0) for z in values]
    assert is_confident(found) is (max(values) >= CONFIDENT)


# What it is measured with


def test_the_sample_is_the_same_until_pictures_come_or_go():
    ids = [each.content_id for each in map(record, range(3 * SAMPLE))]
    chosen = sample_of(ids)
    assert len(chosen) == SAMPLE and chosen == sample_of(ids[::-1])
    assert set(sample_of(ids[1:])) >= set(chosen) - {ids[0]}
    # Old and new alike: as many from each third as chance gives.
    thirds = [len(set(chosen) & set(ids[start : start + SAMPLE])) for start in range(0, 3 * SAMPLE, SAMPLE)]
    assert all(580 <= count <= 760 for count in thirds)


def test_meaningless_texts_are_made_up_and_the_same_each_time():
    texts = meaningless_texts()
    assert texts == meaningless_texts() and len(set(texts)) == len(texts) == NULLS
    known = {word for names in [*CLASSES.values(), GROUPS] for name in names for word in name.split()}
    made_up = {word for text in texts for word in text.split()} - {"a", "photo", "of", "picture", "the", "and"}
    assert not made_up & (known | {word for words in (*TUNING, *FIGURE) for text in words for word in text.split()})


def test_blends_do_not_find_what_they_were_made_of(store, database, encoder):
    put(store, database, range(PICTURES))
    with database.collection(encoder.info).loaded() as index:
        ids = [each.content_id for each in RECORDS]
        null_model = measured(index, ids, VECTORS, encoder.encode_texts(meaningless_texts()))
    # The pictures that a blend of three was made of score 0.58 and more.
    assert null_model.scales["picture"].level < 0.58


# What is told


def test_the_page_is_told_how_far_each_hit_stands_out_and_how_to_ask_again(judged):
    answer = judged.search(Query.of("picture 7", limit=2))
    told = json.loads(json.dumps(answer_view(answer, View.of("picture 7"), PICTURES, -1.0, 24)))
    assert [each["relevance"] for each in told["items"]] == ["stands out", "weak"]
    assert told["items"][0]["z"] > 3 and told["items"][0]["percentile"] == 100
    assert (told["confident"], told["explained"]["model"], told["explained"]["rows"]) == (True, "hash", PICTURES)


def test_the_page_is_told_nothing_where_nothing_can_be_said(library, picture):
    list(library.add([item("red.png", picture("red"))]))
    told = answer_view(library.search(Query.of("red")), View.of("red"), 1, -1.0, 24)
    assert (told["items"][0]["relevance"], told["items"][0]["z"], told["confident"]) == (None, None, None)


# Keeping it


def test_the_first_search_does_not_wait_and_the_next_one_is_judged(pictures):
    assert pictures.search(Query.of("picture 7")).confident is None
    pictures._null_models._thread.join()
    assert pictures.search(Query.of("picture 7")).confident is True


def test_it_is_measured_once_and_again_when_the_library_has_grown_by_a_quarter(store, database, encoder):
    clock = Clock()
    kept = NullModels(store, database, clock)
    put(store, database, range(80))
    kept.measure(encoder)
    first = kept.of(encoder)
    put(store, database, range(100))
    assert look(kept, encoder, clock) is first
    put(store, database, range(101))
    assert len(look(kept, encoder, clock).ids) == 101
    assert encoder.encoded == NULLS


def look(kept, encoder, clock) -> NullModel:
    """Reads the null model as a search some seconds later does, and waits until it is renewed."""
    clock.now += LOOKED_AFTER
    kept.of(encoder)
    if kept._thread:
        kept._thread.join()
    return kept.of(encoder)


def test_a_deleted_picture_leaves_it_at_once(judged, encoder):
    judged.delete([RECORDS[7].content_id])
    assert RECORDS[7].content_id not in judged._null_models.of(encoder).ids
    assert len(judged._null_models.of(encoder).vectors) == PICTURES - 1


def test_nothing_is_claimed_once_few_pictures_are_left(judged):
    judged.delete([each.content_id for each in RECORDS[FEWEST - 1 :]])
    assert judged.search(Query.of("picture 7")).confident is None


def test_a_picture_that_another_process_deleted_leaves_it_within_the_hour(store, database, encoder):
    clock = Clock()
    kept = NullModels(store, database, clock)
    put(store, database, range(PICTURES))
    kept.measure(encoder)
    store.delete(RECORDS[7].content_id)
    database.delete([RECORDS[7].img_path])
    assert RECORDS[7].content_id in look(kept, encoder, clock).ids
    clock.now += KEPT_FOR
    assert RECORDS[7].content_id not in look(kept, encoder, clock).ids


def test_a_picture_deleted_while_it_is_measured_does_not_stay(store, database, encoder, monkeypatch):
    put(store, database, range(PICTURES))
    kept = NullModels(store, database)
    encode = encoder.encode_texts

    def encode_slowly(texts):
        store.delete(RECORDS[7].content_id)
        kept.forget([RECORDS[7].content_id])
        return encode(texts)

    monkeypatch.setattr(encoder, "encode_texts", encode_slowly)
    kept.measure(encoder)
    assert RECORDS[7].content_id not in kept.of(encoder).ids


def test_pictures_without_a_row_are_left_out(store, database, encoder):
    put(store, database, range(FEWEST))
    store.add(RECORDS[FEWEST], None, b"")
    kept = NullModels(store, database)
    kept.measure(encoder)
    assert len(kept.of(encoder).ids) == FEWEST


def test_a_milvus_that_is_away_keeps_no_search_from_its_answer(pictures, database, encoder, monkeypatch):
    def away(*_):
        raise IndexUnavailable("Milvus does not answer.")

    monkeypatch.setattr(database.collection(encoder.info), "nearest", away)
    pictures.calibrate(wait=True)
    assert pictures.search(Query.of("picture 7")).hits[0].record == RECORDS[7]


def test_closing_waits_for_what_is_being_measured(store, database, encoder):
    put(store, database, range(PICTURES))
    kept = NullModels(store, database)
    kept.begin(encoder)
    kept.close()
    assert not kept._thread.is_alive()
    kept.begin(encoder)
    assert not kept._thread.is_alive()


def test_each_model_has_its_own(store, database, encoder):
    put(store, database, range(PICTURES))
    other = HashEncoder()
    other.info = replace(HashEncoder.info, fingerprint="1" * 12)
    kept = NullModels(store, database)
    kept.measure(encoder)
    kept.measure(other)
    assert len(kept.of(encoder).ids) == PICTURES
    assert kept.of(other).scales == {}


# What benchmarks/relevance.py measures with


def words_of(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{2,}", text.lower())) - {"of", "the", "on", "in", "an", "and", "with", "by"}


def test_words_that_chose_the_measure_make_no_figure_and_none_names_a_class():
    tuning, figure = ([*concepts, *nonsense] for concepts, nonsense in (TUNING, FIGURE))
    assert [len(words) for words in (*TUNING, *FIGURE)] == [100, 50, 100, 50]
    assert not set(tuning) & set(figure) and len(set(tuning + figure)) == 300
    folders = {name.lower().replace("_", " ") for name in CLASSES}
    names = {name for names in CLASSES.values() for name in names} | set(GROUPS) | folders
    known = set().union(*map(words_of, names))
    assert not [text for text in tuning + figure if words_of(text) & known]


def test_the_interval_of_the_difference_is_above_zero_only_where_one_measure_is_better():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(120)
    present = [Best(3 + z, 3 + 3 * z) for z in noise]
    absent = [Best(z, 3 * z) for z in rng.standard_normal(120)]
    better = compared(present, absent, 300)
    assert better.low > 0 and better.fewer_errors > 1 and better.calibrated > better.raw
    same = compared([Best(z, z) for z, _ in present], [Best(z, z) for z, _ in absent], 300)
    assert (same.low, same.high, same.fewer_errors) == (0, 0, 1)
    worse = compared([Best(score, z) for z, score in present], [Best(score, z) for z, score in absent], 300)
    assert worse.high < 0 and worse.fewer_errors < 1


def test_an_auroc_is_the_share_of_pairs_in_order():
    found = compared([Best(2, 0), Best(1, 0)], [Best(1, 0), Best(0, 0)], 10)
    assert (found.calibrated, found.raw) == (0.875, 0.5)
