"""Holds that a large collection measures by itself how many clusters its searches have to look into."""

import numpy as np
import pytest

from db.files.nprobe_choices import Choice, NprobeChoices
from db.milvus.clusters import NlistRule
from db.milvus.database import Milvus
from library.errors import StoreUnavailable
from testing.pictures import ids, record, unit_vectors
from tests.milvus.test_collection import DIM, encoder

ROWS, NLIST = 600, 64
LARGE = NlistRule(smallest=NLIST, exhaustive_rows=0)  # every collection is one
APART = np.repeat(unit_vectors(NLIST, DIM, seed=3), 10, axis=0)[:ROWS] + unit_vectors(ROWS, DIM) / 50
CLOSE_TO_NOTHING = unit_vectors(ROWS, DIM)


class FullDisk(NprobeChoices):
    def keep(self, collection, choice):
        raise StoreUnavailable("choice_not_kept", file="nprobe-measured.json", reason="No space left on device")


@pytest.fixture
def measured(tmp_path):
    return NprobeChoices(tmp_path / "nprobe-measured.json")


@pytest.fixture(params=["lite", pytest.param("server", marks=pytest.mark.server)])
def opened(request, tmp_path, measured):
    """Returns a function that gives the collection by a connection of its own."""
    uri = tmp_path / "milvus.db" if request.param == "lite" else request.getfixturevalue("milvus_server").uri
    databases, info = [], encoder(DIM)

    def open_it(kept=measured):
        if databases:
            databases[-1].close()
        databases.append(Milvus(uri, nlist=LARGE, release_after=None, measured=kept))
        return databases[-1].collection(info)

    yield open_it
    databases[-1].close()
    if request.param == "server":
        request.getfixturevalue("milvus_server").empty()


def fill(collection, vectors, first=0):
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    collection.upsert([record(first + number) for number in range(len(vectors))], vectors.astype(np.float32))
    collection.index_all()
    collection.optimize()
    return collection.status()


@pytest.mark.parametrize("vectors", [APART, CLOSE_TO_NOTHING], ids=["in clusters", "in none"])
def test_searches_find_what_comparing_with_every_picture_finds(opened, measured, vectors):
    collection = opened()
    status = fill(collection, vectors)
    kept = measured.find(status.collection)
    assert (kept.nlist, kept.rows) == (status.nlist, ROWS)
    assert (status.nprobe, status.nprobe_is_chosen) == (kept.nprobe, False)
    with collection.loaded() as index:
        pairs = [
            [set(ids(index.search(asked, limit=10, exact=exact))) for exact in (False, True)]
            for asked in unit_vectors(20, DIM, seed=5)
        ]
    assert np.mean([len(found & exact) / 10 for found, exact in pairs]) >= 0.97


def test_vectors_in_clear_clusters_need_few_of_them(opened):
    assert fill(opened(), APART).nprobe == 16


def test_it_is_measured_once_and_again_when_the_rows_have_become_half_as_many_again(opened, measured):
    name = fill(opened(), APART).collection
    measured.keep(name, Choice(17, NLIST, ROWS))
    collection = opened()
    fill(collection, APART[:5], ROWS)
    assert measured.find(name) == Choice(17, NLIST, ROWS)
    fill(collection, APART[:300], 2 * ROWS)
    assert measured.find(name) == Choice(16, NLIST, ROWS + 305)


def test_what_was_measured_for_other_clusters_is_not_used(opened, measured):
    name = fill(opened(), APART).collection
    measured.keep(name, Choice(17, 2 * NLIST, ROWS))
    assert opened().status().nprobe != 17


def test_a_full_disk_costs_a_line_of_the_log_and_no_import(opened, tmp_path, caplog):
    status = fill(opened(FullDisk(tmp_path / "full.json")), APART)
    assert status.nprobe >= 16 and "No space left on device" in caplog.text
