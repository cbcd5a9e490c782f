"""Checks that the searches and counts of Milvus Lite stay what they are where kept masks replace its own walks."""

import inspect
import logging
import math
import random

import numpy as np
import pytest
from milvus_lite.db import MilvusLite
from milvus_lite.engine import collection as engine
from milvus_lite.schema.types import CollectionSchema, DataType, FieldSchema

from db.milvus import lite_accelerator
from db.milvus.database import Milvus
from library.ports import EncoderInfo
from testing.pictures import record, unit_vectors

NUMBERS = 8
INDEX = {"index_type": "IVF_FLAT", "metric_type": "COSINE", "params": {"nlist": 4}}
METHODS = ("_read_snapshot", "_num_entities", "query")
FUNCTIONS = ("execute_search_with_index", "project_record")
REPLACED = FUNCTIONS, (*METHODS, lite_accelerator.KEPT)
SHOWN = [["stars", "free", "meta"], ["key"], ["name", "meta", "vector"], ["*"], ["$meta"], [], None]
VALUES = [0, 1, -1, 2.5, 2**53 + 1, 1e300, math.nan, True, False, "", "a", "ab", "1", "日本", "\0", [1, "a"], {"b": 1}]
FIELDS = ["stars", "name", "free", 'free["a"]', 'meta["a"]', 'meta["a"]["b"]', 'meta["b"][0]', 'meta["no"]', "no"]
LITERALS = ["0", "1", "-1", "2.5", "true", "false", '""', '"a"', '"ab"', '"日本"']


@pytest.fixture(autouse=True)
def stock(monkeypatch):
    """Returns what Milvus Lite itself has; whatever a test replaces is put back."""
    for owner, names in zip((engine, engine.Collection), REPLACED, strict=True):
        for name in names:
            monkeypatch.setattr(owner, name, inspect.unwrap(getattr(owner, name, None)), raising=False)
    monkeypatch.delattr(engine.Collection, lite_accelerator.KEPT)
    return {name: getattr(engine.Collection, name) for name in METHODS} | {
        name: getattr(engine, name) for name in FUNCTIONS
    }


@pytest.fixture
def both(monkeypatch, stock):
    """Returns a function: both(ask) gives what `ask` returns from Milvus Lite itself, and accelerated."""
    lite_accelerator.accelerate()

    def asked(ask):
        accelerated = ask()
        with monkeypatch.context() as patch:
            for name in FUNCTIONS:
                patch.setattr(engine, name, stock[name])
            for name in METHODS:
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
            FieldSchema("name", DataType.VARCHAR, max_length=64),
            FieldSchema("meta", DataType.JSON),
        ]
        schema = CollectionSchema(fields, enable_dynamic_field=True)
        self.collection = self._index.create_collection("pictures", schema)
        self.collection.create_index("vector", INDEX)
        self.collection.load()

    def change(self):
        self._random.choice([self._write, self._write, self._delete, self._flush, self._reopen])()
        self.collection._wait_for_bg()  # what is merged and indexed meanwhile would differ between two calls

    def query(self):
        return self._vectors.normal(size=(self._random.choice([1, 3]), NUMBERS)).tolist()

    def shown(self):
        return self._random.sample(SHOWN, 2)

    def expression(self):
        joint = self._random.choice([" and ", " or "])
        return joint.join(f"({self._comparison()})" for _ in range(self._random.randint(1, 3)))

    def _comparison(self):
        field = self._random.choice(FIELDS)
        if self._random.random() < 0.15:
            return f"{field} is null"
        if self._random.random() < 0.15 and "no" not in field:
            return f"not ({field} in [1, 2])" if field == "stars" else f'{field} like "a%"'
        literals = {"stars": LITERALS[:4], "name": LITERALS[6:]}.get(field, LITERALS)
        operator = self._random.choice(["==", "!=", "<", "<=", ">", ">="])
        return f"{field} {operator} {self._random.choice(literals)}"

    def close(self):
        self._index.close()

    def _write(self):
        keys = self._random.sample(range(120), self._random.randint(1, 60))
        rows = [{"key": str(key), "vector": self._vector(), **self._fields()} for key in keys]
        self._random.choice([self.collection.insert, self.collection.upsert])(rows)

    def _fields(self):
        known = {"stars": self._random.randint(-1, 5), "name": self._random.choice(["", "a", "ab", "日本"])}
        return known | self._some("free", "no", "other") | {"meta": self._some("a", "b", "c")}

    def _some(self, *names):
        return {name: self._random.choice(VALUES) for name in names if self._random.random() < 0.7}

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
def test_whatever_was_written_searches_queries_and_counts_stay_the_same(tmp_path, both, seed):
    changing = Changing(tmp_path, seed)
    for _ in range(25):
        changing.change()
        collection, query = changing.collection, changing.query()
        same(both, collection, "_num_entities", None)
        for expression in (None, "key in ['1', '2', '3', '40']", *(changing.expression() for _ in range(2))):
            named = {"top_k": 10, "expr": expression, "search_params": {"nprobe": 4}}
            for fields in changing.shown():
                same(both, collection, "search", query, **named, output_fields=fields)
            same(both, collection, "query", expression, output_fields=["name", "other", "meta"])
            same(both, collection, "query", expression, limit=5, offset=2)
    changing.close()


def same(both, collection, method, *arguments, **named):
    own, accelerated = both(lambda: getattr(collection, method)(*arguments, **named))
    assert repr(own) == repr(accelerated)  # NaN differs from itself


def test_an_unknown_version_of_milvus_lite_is_left_as_it_is(monkeypatch, stock, caplog):
    monkeypatch.setattr(lite_accelerator, "KNOWN_SOURCE", "of another version")
    with caplog.at_level(logging.WARNING):
        lite_accelerator.accelerate()
    assert engine.execute_search_with_index is stock["execute_search_with_index"]
    assert "searches walk all rows" in caplog.text


@pytest.mark.parametrize("accelerated", [False, True])
def test_switched_off_milvus_lite_answers_by_itself_and_status_says_so(tmp_path, stock, accelerated):
    milvus = Milvus(tmp_path / "milvus.db", lite_accelerated=accelerated)
    collection = milvus.collection(EncoderInfo("accelerated", "0" * 12, 16, "cpu", "float32"))
    vectors, asked = unit_vectors(60, 16), unit_vectors(1, 16, seed=1)[0]
    collection.upsert([record(number) for number in range(60)], vectors)
    milvus.delete([record(7).img_path])
    with collection.loaded() as index:
        found = [hit.record.content_id for hit in index.search(asked, limit=10)]
        count = index.count()
    expected = [number for number in np.argsort(-vectors @ asked) if number != 7][:10]
    assert found == [record(number).content_id for number in expected] and count == 59
    assert collection.status().accelerated is accelerated
    assert (engine.execute_search_with_index is stock["execute_search_with_index"]) is not accelerated
    milvus.close()
