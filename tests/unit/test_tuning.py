"""Compares exact search with IVF: what tuning searches for, what it suggests, and how the choice is kept."""

import json

import numpy as np
import pytest

from db.files.nprobe_choices import Choice, NprobeChoices
from db.milvus.clusters import EVERY_CLUSTER
from db.milvus.database import Milvus
from library.errors import InvalidEvaluation, StoreUnavailable
from library.evaluation.tuning import PICTURE, TEXT, Step, Tuning, TuningConfig, ladder, recall_of
from library.evaluation.tuning_job import TuningJob
from library.evaluation.tuning_queries import EVERYDAY, texts_of
from library.image_library import ImageLibrary
from library.jobs import JobRunner
from library.ports import EncoderInfo, Hit
from library.search.query import Query
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.pictures import item, record, unit_vectors

DIM = 16
INFO = EncoderInfo("random", "f" * 12, DIM, "cpu", "float32")


class RandomEncoder(ColourEncoder):
    """Encodes every text as a random vector, unlike any picture."""

    info = INFO

    def encode_texts(self, texts):
        return unit_vectors(len(texts), DIM, seed=7)


@pytest.fixture
def choices(tmp_path):
    return NprobeChoices(tmp_path / "nprobe.json")


@pytest.fixture
def milvus(tmp_path, choices):
    milvus = Milvus(tmp_path / "milvus.db", release_after=None, choices=choices)
    yield milvus
    milvus.close()


@pytest.fixture
def library(milvus):
    """Returns a library of 600 pictures of random vectors on Milvus Lite."""
    store = MemoryStore()
    records = [record(number) for number in range(600)]
    for each in records:
        store.add(each, b"", b"")
    collection = milvus.collection(INFO)
    collection.upsert(records, unit_vectors(600, DIM))
    collection.index_all()
    return ImageLibrary(store, ready(RandomEncoder()), milvus)


def small(count, picture, metadata=lambda number: {}):
    """Returns a library of fakes with so many pictures."""
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
    pictures = [picture(f"#{number:02x}8040") for number in range(count)]
    list(library.add([item(f"{n}.png", data, metadata=metadata(n)) for n, data in enumerate(pictures)]))
    return library


def tuning(steps, target=0.99):
    made = [Step(nprobe, {TEXT: text, PICTURE: image}, {TEXT: ms, PICTURE: ms}) for nprobe, text, image, ms in steps]
    return Tuning("c", 600, 128, "Lite", 10, target, {TEXT: 5, PICTURE: 5}, {}, 128, {TEXT: 9.0, PICTURE: 8.0}, made)


# Measuring


def test_recall_rises_to_one_with_every_cluster(library):
    found = library.tuner.measure(TuningConfig(queries=20))
    assert [step.nprobe for step in found.steps] == ladder(128)
    first, last = found.steps[0], found.steps[-1]
    for kind in (TEXT, PICTURE):
        assert first.recall[kind] < 0.7 and last.recall[kind] == 1
        recalls = [step.recall[kind] for step in found.steps]
        assert recalls == sorted(recalls)
        assert all(step.milliseconds[kind] > 0 for step in found.steps)
    assert min(found.suggested.recall.values()) >= 0.99
    assert (found.rows, found.nlist, found.present, found.k) == (600, 128, 128, 10)
    assert found.queries == {TEXT: 20, PICTURE: 20}


def test_the_recall_of_tuning_is_that_of_a_plain_count(library, milvus):
    """Compares the recall for ten stored pictures, one a cluster, with neighbours that are counted by hand."""
    vectors = unit_vectors(600, DIM)
    exact = np.argsort(-(vectors @ vectors.T), axis=1, kind="stable")
    numbers = {record(number).content_id: number for number in range(600)}
    shares = []
    with milvus.collection(INFO).loaded() as index:
        for query in range(10):
            hits = [numbers[hit.record.content_id] for hit in index.search(vectors[query], 11, 1, False)]
            truth = [hit for hit in exact[query] if hit != query][:10]
            shares.append(len(set(hits[1:]) & set(truth)) / 10)
            ours = [Hit(record(hit), float(vectors[query] @ vectors[hit])) for hit in hits[1:]]
            theirs = [Hit(record(hit), float(vectors[query] @ vectors[hit])) for hit in truth]
            assert recall_of([ours], [theirs]) == pytest.approx(shares[-1])
    assert 0 < np.mean(shares) < 1


def test_what_ties_with_the_last_exact_result_counts_as_found():
    exact = [[Hit(record(0), 0.9), Hit(record(1), 0.5)]]
    assert recall_of([[Hit(record(0), 0.9), Hit(record(2), 0.5)]], exact) == 1
    assert recall_of([[Hit(record(0), 0.9), Hit(record(2), 0.4)]], exact) == 0.5
    assert recall_of([[]], exact) == 0


@pytest.mark.parametrize("nlist", [1, 2, 100, 128, 4096])
def test_the_ladder_ends_with_every_cluster(nlist):
    rungs = ladder(nlist)
    assert rungs[0] == 1 and rungs[-1] == nlist
    assert rungs == sorted(set(rungs)) and 24 in ladder(128)


def test_the_suggestion_is_the_fewest_clusters_that_both_kinds_need():
    found = tuning([(8, 0.95, 0.995, 2.0), (16, 0.98, 0.999, 3.0), (24, 0.991, 1.0, 4.0), (128, 1, 1, 9.0)])
    assert found.suggested.nprobe == 24
    assert found.sentence == "nprobe 24 gives 0.991 for texts at 4.0 ms and 1.000 for pictures at 4.0 ms."
    assert found.gain == "An exact search takes 9.0 ms."


def test_it_is_told_where_nothing_is_gained():
    assert "saves little" in tuning([(64, 1, 1, 8.5)]).gain


def test_a_stopped_measurement_gives_nothing(library):
    assert library.tuner.measure(TuningConfig(queries=2), should_stop=lambda: True) is None


def test_a_measurement_that_is_stopped_midway_gives_nothing(library):
    told = []
    measured = library.tuner.measure(
        TuningConfig(queries=3), lambda done, total: told.append(done), should_stop=lambda: len(told) >= 8
    )
    assert measured is None and told == list(range(1, 9))


def test_progress_is_told_up_to_the_end(library):
    told = []
    library.tuner.measure(TuningConfig(queries=3), lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] == len(told) == 6 * (1 + len(ladder(128)))


# The queries


def test_texts_given_are_the_only_ones():
    texts, source = texts_of(
        [record(0, name="a lake at dawn.png")], TuningConfig(texts=["one", " one ", "", "two"]), ["asked"]
    )
    assert (texts, source) == (["one", "two"], {"given": 2})


def test_texts_come_from_searches_then_pictures_then_everyday_life():
    metadata = {"class": "sea_horse", "url": "https://x", "n": 3}
    pictures = [record(0, name="a lake at dawn.png", metadata=metadata, source="album/water_lily/1.png")]
    texts, source = texts_of(pictures, TuningConfig(queries=6), ["my cat"])
    assert texts == ["my cat", "water lily", "sea horse", "a lake at dawn", *EVERYDAY[:2]]
    assert source == {"asked": 1, "pictures": 3, "everyday": 2}


@pytest.mark.parametrize("name", ["IMG_2041.jpg", "image_0001.jpg", "20260101.png", "DSC00042.JPG"])
def test_names_that_cameras_give_are_no_texts(name):
    _, source = texts_of([record(0, name=name)], TuningConfig(queries=3), [])
    assert source == {"everyday": 3}


def test_texts_that_were_searched_for_are_asked_again(picture):
    library = small(12, picture)
    library.search(Query.of("red"))
    library.search(Query.of("red"))
    assert library.tuner.measure(TuningConfig(queries=4)).texts_from == {"asked": 1, "everyday": 3}


# What is refused


def test_an_empty_library_is_refused(picture):
    with pytest.raises(InvalidEvaluation, match=r"no searchable pictures to measure with: add some first\."):
        small(0, picture).tuner.measure(TuningConfig())


def test_k_beyond_the_library_is_refused(picture):
    with pytest.raises(InvalidEvaluation, match=r"recall@10 needs more than 10 pictures and the library has 4"):
        small(4, picture).tuner.measure(TuningConfig())


@pytest.mark.parametrize(
    ("wish", "message"),
    [({"k": 0}, "k is 0"), ({"k": 200}, "k is 200"), ({"target": 0}, "target is 0"), ({"queries": 0}, "0 queries")],
)
def test_impossible_wishes_are_refused(wish, message):
    with pytest.raises(InvalidEvaluation, match=message):
        TuningConfig(**wish)


# The choice


def asked_clusters(milvus, monkeypatch):
    """Returns the nprobe that the next search gives to Milvus."""
    seen = []
    client = milvus.connection.client()
    search = client.search
    monkeypatch.setattr(client, "search", lambda *a, **k: seen.append(k["search_params"]["params"]) or search(*a, **k))
    return seen


def test_a_choice_is_what_automatic_searches_look_into(library, milvus, monkeypatch):
    library.calibrate(wait=True)  # or the first search begins it, and it searches beside the others
    seen = asked_clusters(milvus, monkeypatch)
    library.search(Query.of("anything"))
    library.tuner.choose_nprobe(24)
    library.search(Query.of("anything"))
    library.search(Query.of("anything", exact=True))
    library.search(Query.of("anything", nprobe=3))
    library.tuner.choose_nprobe(None)
    library.search(Query.of("anything"))
    assert [each["nprobe"] for each in seen] == [EVERY_CLUSTER, 24, EVERY_CLUSTER, 3, EVERY_CLUSTER]


def test_the_status_tells_of_a_choice_until_the_index_has_other_clusters(library, milvus, choices):
    library.tuner.choose_nprobe(24)
    status = milvus.collection(INFO).status()
    assert (status.nprobe, status.nprobe_is_chosen, status.outdated_choice) == (24, True, None)
    choices.keep(status.collection, Choice(24, 512))
    with milvus.collection(INFO).loaded() as index:
        index.count()
    status = milvus.collection(INFO).status()
    assert (status.nprobe, status.nprobe_is_chosen, status.outdated_choice) == (EVERY_CLUSTER, False, 24)


def test_a_choice_outlives_the_process_and_is_seen_by_others(choices, tmp_path):
    other = NprobeChoices(tmp_path / "nprobe.json")
    assert other.find("a") is None
    choices.keep("a", Choice(24, 128))
    choices.keep("b", Choice(8, 512))
    assert (other.find("a"), other.find("b")) == (Choice(24, 128), Choice(8, 512))
    other.keep("a", None)
    assert choices.find("a") is None and choices.find("b") == Choice(8, 512)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 3}', '{"a": {"nprobe": 0, "nlist": 128}}'])
def test_a_damaged_file_counts_as_no_choice(tmp_path, choices, text):
    (tmp_path / "nprobe.json").write_text(text)
    assert choices.find("a") is None
    choices.keep("a", Choice(2, 128))
    assert json.loads((tmp_path / "nprobe.json").read_text()) == {"a": {"nprobe": 2, "nlist": 128}}


def test_a_damaged_file_is_told_of_once(tmp_path, choices, caplog):
    (tmp_path / "nprobe.json").write_text("{")
    for _ in range(3):
        choices.find("a")
    assert caplog.text.count("nprobe.json cannot be read") == 1


def test_a_choice_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="The choice cannot be kept"):
        NprobeChoices(tmp_path / "file" / "nprobe.json").keep("a", Choice(2, 128))


# In the background


def test_tuning_measures_in_the_background_one_at_a_time(library):
    runner = JobRunner("tuning")
    work = runner.start(TuningJob(library, TuningConfig(queries=2)))
    assert runner.start(TuningJob(library, TuningConfig(queries=2))) is work or work.over.is_set()
    assert work.over.wait(60)
    assert (work.state, work.done) == ("done", work.total)
    assert runner.result.rows == 600


def test_a_measurement_that_is_stopped_keeps_the_result_before(library):
    runner = JobRunner("tuning")
    assert runner.start(TuningJob(library, TuningConfig(queries=2))).over.wait(60)
    before = runner.result
    work = runner.start(TuningJob(library, TuningConfig(queries=5_000)))
    runner.stop()
    assert work.over.wait(60)
    assert (work.state, runner.result) == ("stopped", before)


def test_a_measurement_that_fails_says_why(picture):
    runner = JobRunner("tuning")
    work = runner.start(TuningJob(small(0, picture), TuningConfig()))
    assert work.over.wait(60)
    assert work.state == "failed" and "no searchable pictures" in str(work.problem)
