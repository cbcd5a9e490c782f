"""Holds that one library at a time has the folder of Milvus Lite, within one program as well."""

import os

import pytest

from db.milvus.database import Milvus
from library.errors import IndexUnavailable


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


@pytest.mark.parametrize(
    ("pattern", "bytes_kept"), [("schema.json", 5), ("manifest.json*", 5), ("*.parquet", 3_000), ("*.idx", 100)]
)
def test_a_damaged_folder_is_called_that_and_told_how_to_be_made_anew(libraries, tmp_path, caplog, pattern, bytes_kept):
    folder = libraries.copy(libraries.samples(), tmp_path) / "milvus.db"
    for path in folder.rglob(pattern):
        os.truncate(path, bytes_kept)
    database = Milvus(folder)
    with pytest.raises(IndexUnavailable) as refused:
        database.stored()
        database._existing(database.stored()[0].name).loaded().__enter__()
    assert str(refused.value) == (
        "The index milvus.db is damaged and cannot be read. Stop the app, move milvus.db elsewhere and run"
        " `python app.py reindex`: the pictures are safe, and the index is made anew from them."
    )
    assert not caplog.records
    database.connection.close()
