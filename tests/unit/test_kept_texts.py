"""Checks that the meaningless texts are encoded once for each encoder, whatever happens to the file that holds them."""

from dataclasses import replace

import numpy as np
import pytest

from db.files.kept_texts import KeptTextFiles
from library.ports import EncoderInfo
from library.search.null_models import NullModels
from library.search.relevance import NULLS
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore

INFO = EncoderInfo("test/model", "1", 4, "cpu", "float32")
VECTORS = np.eye(4, dtype=np.float32)[np.arange(NULLS) % 4]


@pytest.fixture
def files(tmp_path):
    return KeptTextFiles(tmp_path / "texts")


def test_vectors_come_back_for_the_encoder_that_made_them_and_no_other(files):
    assert files.find(INFO) is None
    files.keep(INFO, VECTORS)
    assert np.array_equal(files.find(INFO), VECTORS)
    assert files.find(replace(INFO, fingerprint="2")) is files.find(replace(INFO, dtype="bfloat16")) is None


def test_a_file_that_is_cut_off_or_holds_something_else_counts_as_none(files, tmp_path):
    files.keep(INFO, VECTORS)
    [file] = (tmp_path / "texts").iterdir()
    whole = file.read_bytes()
    np.save(other := tmp_path / "other.npy", np.zeros((NULLS, 4), np.float32))
    for content in (b"", whole[:20], whole[:-1], b"not NumPy", other.read_bytes()):
        file.write_bytes(content)
        assert files.find(INFO) is None


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path):
    (tmp_path / "texts").write_text("a file in the folder's place")
    files = KeptTextFiles(tmp_path / "texts")
    files.keep(INFO, VECTORS)
    assert files.find(INFO) is None


def test_a_second_process_encodes_no_texts(files):
    class Counting(ColourEncoder):
        texts = 0

        def encode_texts(self, texts):
            self.texts += len(texts)
            return super().encode_texts(texts)

    encoder = Counting()
    for _ in range(2):
        NullModels(MemoryStore(), MemoryDatabase(), kept_texts=files)._encoded_texts(encoder)
    assert encoder.texts == NULLS
