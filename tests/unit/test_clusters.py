import pytest

from db.milvus.clusters import EVERY_CLUSTER, NlistRule, automatic_nprobe


@pytest.mark.parametrize(
    ("rows", "nlist"),
    [(0, 128), (20_000, 128), (20_001, 512), (65_535, 512), (65_536, 1024), (262_144, 2048), (10**9, 4096)],
)
def test_nlist_follows_the_rows(rows, nlist):
    assert NlistRule().wanted(rows) == nlist


@pytest.mark.parametrize("rows", [30_000, 100_000, 250_000])
def test_four_times_the_rows_make_twice_the_clusters(rows):
    assert NlistRule().wanted(4 * rows) == 2 * NlistRule().wanted(rows)
    assert NlistRule().outgrown(NlistRule().wanted(rows), 4 * rows)


def test_an_index_is_rebuilt_for_more_clusters_and_never_for_fewer():
    rule = NlistRule()
    assert rule.outgrown(128, 20_001)
    assert not rule.outgrown(512, 20_001)
    assert not rule.outgrown(1024, 0)


def test_a_small_collection_is_searched_whole_and_a_large_one_in_part():
    assert automatic_nprobe(20_000, 128) == EVERY_CLUSTER
    assert automatic_nprobe(20_001, 512) == 64
    assert automatic_nprobe(10**6, 64) == 16
