"""Holds that an index file of Milvus Lite is whole, and that searches at the same time do not meddle."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faiss
import numpy as np

from db.milvus.lite_faiss import LiteFaiss


def test_an_index_file_has_its_name_only_when_it_is_whole(tmp_path):
    seen = []

    class Slow:
        """Looks at the folder before the file is complete."""

        def write_index(self, index, path):
            Path(path).write_bytes(b"half")
            seen.extend(each.suffix for each in tmp_path.iterdir())
            faiss.write_index(index, path)

    vectors = np.eye(4, dtype=np.float32)
    index = LiteFaiss(faiss).IndexIVFFlat(faiss.IndexFlatIP(4), 4, 2)
    index.train(vectors)
    index.add(vectors)
    LiteFaiss(Slow()).write_index(index, str(tmp_path / "vectors.idx"))
    assert seen == [".partial"]
    assert faiss.read_index(str(tmp_path / "vectors.idx")).ntotal == 4
    assert [each.name for each in tmp_path.iterdir()] == ["vectors.idx"]


def test_searches_at_the_same_time_each_look_into_their_own_clusters(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(400, 8)).astype(np.float32)
    replaced = LiteFaiss(faiss)
    made = replaced.IndexIVFFlat(faiss.IndexFlatIP(8), 8, 32, faiss.METRIC_INNER_PRODUCT)
    made.train(vectors)
    made.add(vectors)
    replaced.write_index(made, str(tmp_path / "index"))
    exact = np.argsort(-(vectors[:1] @ vectors.T), axis=1)[:, :20]
    for index in (made, replaced.read_index(str(tmp_path / "index"))):
        index.nprobe = 32
        with ThreadPoolExecutor() as another:
            another.submit(setattr, index, "nprobe", 1).result()
        assert np.array_equal(index.search(vectors[:1], 20)[1], exact)
        index.nprobe = 1
        assert not np.array_equal(index.search(vectors[:1], 20)[1], exact)
