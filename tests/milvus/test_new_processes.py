"""Checks the first answers of a new process on a real server, whatever ended the process before it."""

import pytest

from benchmarks.new_processes import PICTURES, after_a_kill, tried, within

pytestmark = [pytest.mark.server, pytest.mark.kills_server, pytest.mark.process]


def test_a_process_after_one_that_was_killed_is_answered_rightly(milvus_server, tmp_path):
    assert tried(after_a_kill, milvus_server, tmp_path, 0) == ""


def test_two_image_stores_on_one_server_find_what_each_has_and_are_told_of_the_other(milvus_server, tmp_path):
    with within(milvus_server, tmp_path / "two") as place:
        place.ingest()
        other = place.of("new")
        found = other.ended("search", "a red circle", "--limit", str(PICTURES))
        assert "another DATA_DIR or IMAGE_STORE holds them" in found.stderr
        assert found.stdout.count("\n") == PICTURES
        assert other.ingest()["new"] == other.hits() == place.hits() == PICTURES
