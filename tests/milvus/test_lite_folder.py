"""Holds that one library at a time has the folder of Milvus Lite, within one program as well."""

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
