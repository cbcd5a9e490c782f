"""Checks what a watcher remembers across restarts."""

from pathlib import Path

import pytest

from db.files.line_file import LineFile
from library.images import content_id
from library.ingest.watch_state import SeenFile, WatchState
from testing.watching import warnings


@pytest.fixture
def memory(tmp_path) -> Path:
    return tmp_path / "watch" / "memory.jsonl"


def test_a_restart_reads_nothing_again_and_follows_what_was_removed_meanwhile(folder, watch, picture, library, memory):
    names = ("/a.png", "/b.png", "/not utf-8 \udcff.png")
    folder.files |= {name: picture((number, 0, 0)) for number, name in enumerate(names)}
    watch(True, WatchState(LineFile(memory))).twice()
    folder.reads.clear()
    del folder.files["/a.png"]
    assert watch(True, WatchState(LineFile(memory))).twice() == [("/a.png", "deleted")]
    assert folder.reads == [] and len(library.browse(0, 9)) == 2
    assert watch(True, WatchState(LineFile(memory))).twice() == []


@pytest.mark.parametrize(
    "damage", [b"", b"\xff\x00{", b'{"index": ""}\n[1]\n{"path": "/a.png"}\n{"path": 1, "id": []}']
)
def test_a_memory_that_is_damaged_means_that_everything_is_looked_at_again(folder, watch, picture, memory, damage):
    folder.files |= {"/a.png": picture("red"), "/b.png": picture("blue")}
    watch(True, WatchState(LineFile(memory))).twice()
    memory.write_bytes(damage)
    look = watch(True, WatchState(LineFile(memory)))
    assert look.twice() == [("/a.png", "duplicate"), ("/b.png", "duplicate")]
    del folder.files["/a.png"]
    assert look.twice() == [("/a.png", "deleted")]  # it came in from there, as its record says


def test_a_line_that_was_cut_short_costs_only_itself(memory):
    WatchState(LineFile(memory)).update({"/a.png": SeenFile("1"), "/b.png": SeenFile("2")})
    memory.write_bytes(memory.read_bytes()[:-9])
    again = WatchState(LineFile(memory))
    assert dict(again) == {"/a.png": SeenFile("1")}
    again.update({"/c.png": SeenFile("3"), "/a.png": None})
    assert dict(WatchState(LineFile(memory))) == {"/c.png": SeenFile("3")}


def test_for_another_model_everything_is_looked_at_again(memory):
    id = content_id(b"a")
    WatchState(LineFile(memory), "one").update({"/a.png": SeenFile("1", id, "pictures/a.png")})
    assert dict(WatchState(LineFile(memory), "other")) == {"/a.png": SeenFile("", id, "pictures/a.png")}


def test_a_library_that_was_emptied_is_filled_again(folder, watch, picture, library, memory):
    folder.files["/a.png"] = picture("red")
    watch(False, WatchState(LineFile(memory))).twice()
    library.delete([content_id(picture("red"))])
    assert watch(False, WatchState(LineFile(memory))).twice() == [("/a.png", "new")]


def test_a_memory_that_cannot_be_written_is_told_once_and_watching_goes_on(folder, watch, picture, tmp_path, caplog):
    (tmp_path / "watch").write_text("in the way")
    look = watch(True, WatchState(LineFile(tmp_path / "watch" / "memory.jsonl")))
    folder.files["/a.png"] = picture("red")
    assert look.twice() == [("/a.png", "new")]
    [line] = warnings(caplog)
    assert "is not remembered across restarts" in line
