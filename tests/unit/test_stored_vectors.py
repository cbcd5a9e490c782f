"""Checks what lies between the parts of a query and its answer: the stored vectors of library pictures."""

from dataclasses import replace

import pytest

from library.search.stored_vectors import KEPT_VECTORS, StoredVectors
from testing.fakes import ColourEncoder
from testing.pictures import record, unit_vectors

ENCODER = ColourEncoder().info


class Index:
    """Counts the rows that are read."""

    def __init__(self, rows: int) -> None:
        records = [record(number) for number in range(rows)]
        self._rows = {
            each.img_path: (each.content_id, vector)
            for each, vector in zip(records, unit_vectors(rows, 3), strict=True)
        }
        self.read: list[str] = []

    def vectors(self, img_paths):
        self.read.extend(img_paths)
        return dict(self._rows[path] for path in img_paths if path in self._rows)


@pytest.fixture
def index():
    return Index(KEPT_VECTORS + 1)


def test_a_vector_is_read_once(index):
    stored = StoredVectors()
    first = stored.of([record(0)], ENCODER, index)
    both = stored.of([record(0), record(1)], ENCODER, index)
    assert index.read == [record(0).img_path, record(1).img_path]
    assert (both[record(0).content_id] == first[record(0).content_id]).all()


def test_every_model_has_vectors_of_its_own(index):
    stored = StoredVectors()
    stored.of([record(0)], ENCODER, index)
    stored.of([record(0)], replace(ENCODER, name="other"), index)
    assert len(index.read) == 2


def test_a_picture_without_a_row_is_looked_for_again(index):
    stored, away = StoredVectors(), record(KEPT_VECTORS + 5)
    assert [stored.of([away], ENCODER, index) for _ in range(2)] == [{}, {}]
    assert index.read == [away.img_path] * 2


def test_the_longest_unused_go_first(index):
    stored = StoredVectors()
    stored.of([record(number) for number in range(KEPT_VECTORS)], ENCODER, index)
    stored.of([record(0)], ENCODER, index)
    stored.of([record(KEPT_VECTORS)], ENCODER, index)
    index.read.clear()
    stored.of([record(0), record(1)], ENCODER, index)
    assert index.read == [record(1).img_path]
