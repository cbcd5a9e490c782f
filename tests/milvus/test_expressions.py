"""Checks that only the path of a picture reaches an expression of Milvus."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.milvus.rows import checked_paths
from library.decoding.formats import EXTENSIONS
from library.errors import InvalidContentId
from testing.pictures import record
from testing.tiny_collections import X, encoder


@pytest.mark.parametrize(
    "path",
    [
        "images/00/zzz.png",
        "zzz'] or img_path not in ['qqq",
        f"images/../{'a' * 64}.png",
        f"images/aa/{'a' * 64}.png'] or true or img_path in ['",
        f"images/ab/{'a' * 64}.png",
        f"images/aa/{'A' * 64}.png",
        f"images/aa/{'a' * 64}",
    ],
)
def test_only_a_picture_path_reaches_an_expression(milvus, path):
    collection = milvus.collection(encoder())
    collection.upsert([record(1)], np.stack([X]))
    with pytest.raises(InvalidContentId):
        milvus.delete([path])
    with collection.loaded() as index:
        with pytest.raises(InvalidContentId):
            index.present([path])
        assert index.count() == 1


HEX = "0123456789abcdef"
NEARLY_PATHS = st.from_regex(r"images/[0-9a-f]{2}/[0-9a-fA-F'\" ]{62,66}\.?[a-z0-9'\"\]]{0,6}\n?", fullmatch=True)


@given(st.one_of(st.text(), NEARLY_PATHS))
def test_whatever_is_accepted_in_an_expression_is_a_path_of_a_picture(path):
    try:
        [accepted] = checked_paths([path])
    except InvalidContentId:
        return
    folder, shard, name = accepted.split("/")
    id, extension = name.split(".")
    assert (folder, shard, len(id)) == ("images", id[:2], 64)
    assert set(id) <= set(HEX) and extension.isalnum() and extension.isascii()


@given(st.text(HEX, min_size=64, max_size=64), st.sampled_from(sorted(set(EXTENSIONS.values()))))
def test_the_path_of_every_picture_is_accepted(id, extension):
    path = f"images/{id[:2]}/{id}.{extension}"
    assert checked_paths([path]) == [path]
