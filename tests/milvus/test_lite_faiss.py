"""Holds that Milvus Lite never reads an index file that is still being written."""

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
