"""Holds that one library at a time has the folder of Milvus Lite, within one program as well."""

import os
import shutil
from pathlib import Path

import pytest

from db.milvus.database import Milvus
from library.errors import IndexUnavailable
from testing.pictures import record, unit_vectors
from tests.milvus.test_collection import DIM, encoder


def test_a_folder_that_this_program_has_open_is_refused_until_it_is_closed(tmp_path):
    first, second = (Milvus(tmp_path / "milvus.db") for _ in range(2))
    assert first.stored() == []
    with pytest.raises(IndexUnavailable, match="by a library opened before in this program"):
        second.stored()
    second.close()  # ends nothing of the first
    assert first.stored() == []
    first.close()
    assert second.stored() == []
    second.close()


def test_a_damaged_folder_is_called_that_and_told_how_to_be_made_anew(tmp_path, caplog):
    model = encoder()
    whole = Milvus(tmp_path / "whole.db")
    whole.collection(model).upsert([record(1), record(2)], unit_vectors(2, DIM))
    whole.close()
    for pattern, kept in (("schema.json", 5), ("manifest.json*", 5), ("*.parquet", 300), ("*.idx", 50)):
        folder = Path(shutil.copytree(tmp_path / "whole.db", tmp_path / pattern.strip("*.") / "milvus.db"))
        for path in folder.rglob(pattern):
            os.truncate(path, kept)
        damaged = Milvus(folder)
        with pytest.raises(IndexUnavailable) as refused, damaged.collection(model).loaded() as index:
            index.search(unit_vectors(1, DIM)[0], limit=1, nprobe=None, exact=False)
        assert str(refused.value) == (
            "The index milvus.db is damaged and cannot be read. Stop the app, move milvus.db elsewhere and run"
            " `python app.py reindex`: the pictures are safe, and the index is made anew from them."
        ), pattern
        damaged.connection.close()
    assert not any(each.name.startswith("db") for each in caplog.records)
