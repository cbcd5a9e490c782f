"""Checks that the searches and counts of Milvus Lite stay what they are where kept masks replace its own walks."""

import logging
import random

import numpy as np
import pytest
from milvus_lite.db import MilvusLite
from milvus_lite.engine import collection as engine
from milvus_lite.schema.types import CollectionSchema, DataType, FieldSchema

from db.milvus import lite_accelerator

NUMBERS = 8
INDEX = {"index_type": "IVF_FLAT", "metric_type": "COSINE", "params": {"nlist": 4}}
STOCK = {  # taken when the tests are collected, before any of them has Milvus Lite accelerated
    (engine, "execute_search_with_index"): engine.execute_search_with_index,
    (engine.Collection, "_read_snapshot"): engine.Collection._read_snapshot,
    (engine.Collection, "_num_entities"): engine.Collection._num_entities,
    (engine.Collection, lite_accelerator.KEPT): None,
}


@pytest.fixture(autouse=True)
def stock(monkeypatch):
    """Returns what Milvus Lite itself has, and puts it in place for the test; afterwards all is as it was."""
    for (owner, name), function in STOCK.items():
        monkeypatch.setattr(owner, name, function, raising=False)
    monkeypatch.delattr(engine.Collection, lite_accelerator.KEPT)
    return {name: getattr(engine.Collection, name) for name in ("_read_snapshot", "_num_entities")} | {
        "search": engine.execute_search_with_index
    }


@pytest.fixture
def both(monkeypatch, stock):
    """Returns a function: both(ask) gives what `ask` returns from Milvus Lite itself, and accelerated."""
    lite_accelerator.accelerate()

    def asked(ask):
        accelerated = ask()
        with monkeypatch.context() as patch:
            patch.setattr(engine, "execute_search_with_index", stock["search"])
            for name in ("_read_snapshot", "_num_entities"):
                patch.setattr(engine.Collection, name, stock[name])
            return ask(), accelerated

    return asked


class Changing:
    """Changes a collection at random, as the app does and worse."""

    def __init__(self, folder, seed):
        self._folder = folder
        self._random = random.Random(seed)
        self._vectors = np.random.default_rng(seed)
        self._index = MilvusLite(str(folder))
        fields = [
            FieldSchema("key", DataType.VARCHAR, is_primary=True, max_length=64),
            FieldSchema("vector", DataType.FLOAT_VECTOR, dim=NUMBERS),
            FieldSchema("stars", DataType.INT64),
        ]
        self.collection = self._index.create_collection("pictures", CollectionSchema(fields))
        self.collection.create_index("vector", INDEX)
        self.collection.load()

    def change(self):
        self._random.choice([self._write, self._write, self._delete, self._flush, self._reopen])()
        self.collection._wait_for_bg()  # what is merged and indexed meanwhile would differ between two calls

    def query(self):
        return self._vectors.normal(size=(self._random.choice([1, 3]), NUMBERS)).tolist()

    def close(self):
        self._index.close()

    def _write(self):
        keys = self._random.sample(range(120), self._random.randint(1, 60))
        rows = [{"key": str(key), "vector": self._vector(), "stars": self._random.randint(0, 5)} for key in keys]
        self._random.choice([self.collection.insert, self.collection.upsert])(rows)

    def _delete(self):
        self.collection.delete([str(key) for key in self._random.sample(range(120), 20)])

    def _flush(self):
        self.collection.flush()

    def _reopen(self):
        self._index.close()
        self._index = MilvusLite(str(self._folder))
        self.collection = self._index.get_collection("pictures")
        self.collection.load()

    def _vector(self):
        return self._vectors.normal(size=NUMBERS).tolist()


@pytest.mark.parametrize("seed", range(6))
def test_whatever_was_written_searches_and_counts_stay_the_same(tmp_path, both, seed):
    changing = Changing(tmp_path, seed)
    for _ in range(25):
        changing.change()
        collection, query = changing.collection, changing.query()
        own, accelerated = both(lambda collection=collection: collection.num_entities)
        assert own == accelerated
        for expression in (None, "stars >= 3", "key in ['1', '2', '3', '40']"):
            own, accelerated = both(
                lambda collection=collection, query=query, expression=expression: collection.search(
                    query, top_k=10, expr=expression, output_fields=["stars"], search_params={"nprobe": 4}
                )
            )
            assert own == accelerated
    changing.close()


def test_an_unknown_version_of_milvus_lite_is_left_as_it_is(monkeypatch, stock, caplog):
    monkeypatch.setattr(lite_accelerator, "KNOWN_SOURCE", "of another version")
    with caplog.at_level(logging.WARNING):
        lite_accelerator.accelerate()
    assert engine.execute_search_with_index is stock["search"]
    assert "searches walk all rows" in caplog.text
