"""Checks that small files are whole or not there, and that lines of several writers never mix."""

import os
from datetime import UTC, datetime

import pytest

from library.running.atomic import append_lines, make_private, write_atomically


def test_a_file_has_its_new_content_and_nothing_lies_beside_it(tmp_path):
    path = tmp_path / "choices.json"
    path.write_bytes(b"old")
    write_atomically(path, [b"new ", b"content"])
    assert path.read_bytes() == b"new content"
    assert os.listdir(tmp_path) == ["choices.json"]


def test_a_file_can_carry_a_time_of_its_own(tmp_path):
    moment = datetime(2020, 2, 29, 12, tzinfo=UTC)
    write_atomically(tmp_path / "record.json", [b"{}"], moment)
    assert (tmp_path / "record.json").stat().st_mtime == moment.timestamp()


@pytest.mark.parametrize("step", ["fsync", "utime"])
def test_a_failure_leaves_the_old_content_and_no_partial_file(tmp_path, monkeypatch, step):
    def full(*_):
        raise OSError("No space left on device")

    path = tmp_path / "choices.json"
    path.write_bytes(b"old")
    monkeypatch.setattr(f"library.running.atomic.os.{step}", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, [b"new"], datetime.now(UTC))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["choices.json"]


def test_what_fails_while_it_is_written_leaves_the_old_content(tmp_path):
    def chunks():
        yield b"half"
        raise ValueError("no more")

    path = tmp_path / "choices.json"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="no more"):
        write_atomically(path, chunks())
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["choices.json"]


@pytest.mark.parametrize("syncs", [False, True])
def test_lines_are_appended_to_a_file_that_is_made_with_its_folder(tmp_path, syncs):
    path = tmp_path / "data" / "log.jsonl"
    append_lines(path, [b"one", b"two"], syncs)
    append_lines(path, [b"three"], syncs)
    assert path.read_bytes() == b"one\ntwo\nthree\n"


def test_a_line_that_a_kill_cut_short_does_not_swallow_the_next(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"one\ntw")
    append_lines(path, [b"three"])
    assert path.read_bytes() == b"one\ntw\nthree\n"


def test_a_folder_is_made_for_its_owner_alone_and_one_that_is_there_keeps_its_rights(tmp_path):
    for _ in range(2):
        make_private(tmp_path / "data")
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    (tmp_path / "data").chmod(0o755)
    make_private(tmp_path / "data")
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o755
