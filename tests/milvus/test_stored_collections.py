"""Checks how the collections of a database are named, listed, had by their name and dropped."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from db.milvus.database import collection_name
from library.errors import IndexUnavailable, UnknownCollection
from library.ports import EncoderInfo
from testing.pictures import ids, record, unit_vectors
from testing.tiny_collections import DIM, X, Y, encoder


def test_a_collection_is_named_after_model_and_fingerprint():
    info = EncoderInfo("openai/clip-vit-base-patch32", "3d74acf9a28c67741b2f", 512, "cpu", "float32")
    assert collection_name(info) == "likeness_openai_clip_vit_base_patch32_3d74acf9a28c"


def test_what_is_stored_is_told_without_loading(database):
    info = encoder()
    database.collection(info).upsert([record(1), record(2)], np.stack([X, Y]))
    with database.collection(info).loaded() as index:
        index.count()
    [found] = [each for each in database.stored() if each.name == database.name_of(info)]
    assert (found.model, found.dim, found.rows, found.vector_bytes) == ("test/model", DIM, 2, 2 * 4 * DIM)


def test_a_collection_is_known_by_its_weights_and_its_day(milvus):
    info = encoder()
    milvus.collection(info).upsert([record(1)], X[None])
    [found] = [each for each in milvus.stored() if each.name == milvus.name_of(info)]
    assert found.fingerprint == info.fingerprint
    assert datetime.fromisoformat(found.created) <= datetime.now(UTC)


def test_a_collection_that_an_earlier_version_made_is_known_by_its_model_too(milvus):
    info = encoder()
    collection = milvus.collection(info)
    collection.handle.labels = {}
    collection.upsert([record(1)], X[None])
    milvus.collection(info)
    [found] = [each for each in milvus.stored() if each.name == milvus.name_of(info)]
    assert (found.model, found.fingerprint) == (info.name, info.fingerprint)


def test_a_dropped_collection_is_gone_and_made_anew_by_its_next_use(database):
    info, other = encoder(), encoder()
    for each in (info, other):
        database.collection(each).upsert([record(1)], X[None])
    database.drop(database.name_of(info))
    assert database.name_of(info) not in [each.name for each in database.stored()]
    assert database.holds(other)
    with pytest.raises(UnknownCollection):
        database.drop(database.name_of(info))
    database.collection(info).upsert([record(2)], Y[None])
    with database.collection(info).loaded() as index:
        assert ids(index.search(Y, limit=2, nprobe=None, exact=False)) == [record(2).content_id]


def test_a_collection_of_other_dimensions_can_be_dropped(milvus):
    info = encoder()
    milvus.collection(info).upsert([record(1)], X[None])
    milvus.collection(replace(info, dim=DIM)).close()
    milvus._collections.clear()
    wrong = replace(info, dim=2 * DIM)
    with pytest.raises(IndexUnavailable, match="holds vectors of 8 numbers, the model makes 16"):
        milvus.collection(wrong).upsert([record(1)], unit_vectors(1, 2 * DIM))
    milvus.drop(milvus.name_of(wrong))
    milvus.collection(wrong).upsert([record(1)], unit_vectors(1, 2 * DIM))


def test_a_collection_is_had_by_its_name_whatever_model_it_is_of(database, collection):
    collection.upsert([record(1)], unit_vectors(1, DIM))
    [stored] = database.stored()
    with database.named(stored.name).loaded() as index:
        assert index.count() == 1
    with pytest.raises(UnknownCollection):
        database.named("likeness_no_such_collection")
