"""Answers rightly on a real server from the first call of a new process on, whatever ended the one before it."""

import pytest

from benchmarks.new_processes import CASES, PICTURES, tried, within

pytestmark = [pytest.mark.server, pytest.mark.process]


@pytest.mark.parametrize("case", ["after_a_kill", "from_two_folders", "deletes"])
def test_a_new_process_is_answered_rightly(case, milvus_server, tmp_path):
    assert tried(CASES[case], milvus_server, tmp_path, 0) == ""


def test_a_new_image_store_is_told_of_the_pictures_that_another_holds(milvus_server, tmp_path):
    with within(milvus_server, tmp_path / "two") as place:
        place.ingest()
        found = place.of("new").ended("search", "a red circle", "--limit", str(PICTURES))
        assert "another DATA_DIR or IMAGE_STORE holds them" in found.stderr
        assert found.stdout.count("\n") == PICTURES
        assert "another DATA_DIR or IMAGE_STORE holds them" in place.of("new").ended("status").stderr
