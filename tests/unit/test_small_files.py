"""Reads small files with values of wrong types as far as possible, and says what helps."""

import json
import os
import time

import pytest

from db.files.decisions import DecisionFile
from db.files.evaluations import EvaluationFiles
from db.files.nprobe_choices import Choice, NprobeChoices
from db.files.run_log import RunLog
from db.images.local import LocalImageStore
from library.errors import InvalidPack, StoreUnavailable
from library.running.atomic import ABANDONED_AFTER, remove_abandoned
from testing.pictures import record

DEEP = "[" * 100_000
ANYTHING = ["", "null", "3", '"text"', "[]", "[1]", "{}", '{"a": 1}', "{", "\xff", pytest.param(DEEP, id="deep")]


def path_of(store_root, kept):
    return store_root / kept.content_id[:2] / f"{kept.content_id}.json"


@pytest.fixture
def stored(tmp_path):
    """Returns a store with one picture, its record and the path of that."""
    store, kept = LocalImageStore(tmp_path / "images"), record(1)
    store.add(kept, b"original", b"thumbnail")
    return store, kept, path_of(tmp_path / "images", kept)


@pytest.mark.parametrize("text", ANYTHING)
def test_a_record_that_is_none_counts_as_missing(stored, text, caplog):
    store, kept, path = stored
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    assert store.find(kept.content_id) is None
    assert "python app.py doctor --fix" in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        {"width": "40"},
        {"height": None},
        {"bytes": 1.5},
        {"width": True},
        {"width": -1},
        {"name": 3},
        {"name": None},
        {"metadata": []},
        {"metadata": None},
        {"added": "yesterday"},
        {"added": 0},
        {"content_id": "0" * 64},
        {"img_path": "images/00/else.png"},
        {"img_path": None},
        {"source": {}},
        {"more": 1},
        {"from_sidecars": [{}]},
        {"from_sidecars": None},
    ],
    ids=str,
)
def test_a_record_with_a_value_of_a_wrong_type_counts_as_missing(stored, change):
    store, kept, path = stored
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert store.find(kept.content_id) is None
    assert store.find_all([kept.content_id]) == []


def test_adding_the_picture_again_repairs_its_record(stored):
    store, kept, path = stored
    path.write_text("[]")
    store.add(kept, b"original", b"thumbnail")
    assert store.find(kept.content_id) == kept


@pytest.mark.parametrize("line", [*ANYTHING, '{"apart": 1}', '{"apart": [1]}', '{"given_up": [], "kept": 3}'])
def test_a_line_of_decisions_that_says_nothing_is_passed_over(tmp_path, line):
    one, other = record(1).content_id, record(2).content_id
    path = tmp_path / "near-duplicates.jsonl"
    path.write_text(f"{line}\n", encoding="utf-8", errors="surrogateescape")
    decisions = DecisionFile(path)
    decisions.mark_distinct([one, other], [one, other])
    assert DecisionFile(path).are_distinct(one, other)


@pytest.mark.parametrize(
    "given",
    [None, 3, "text", [], {}, {"nprobe": 9}, {"nprobe": 9, "nlist": None}, {"nprobe": float("inf"), "nlist": 9}],
)
def test_a_choice_that_is_none_costs_the_others_nothing(tmp_path, given, caplog):
    path = tmp_path / "nprobe.json"
    path.write_text(json.dumps({"broken": given, "sound": {"nprobe": 9, "nlist": 128}}))
    choices = NprobeChoices(path)
    assert choices.find("broken") is None
    assert choices.find("sound") == Choice(9, 128)
    assert "python app.py tune --store" in caplog.text


@pytest.mark.parametrize("text", ANYTHING[1:])
def test_a_file_of_choices_that_is_none_counts_as_no_choice(tmp_path, text):
    path = tmp_path / "nprobe.json"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    assert NprobeChoices(path).find("any") is None


RUN = {"at": "2026-01-01T00:00:00Z", "source": "photos", "outcome": "done", "seconds": 1.5, "counts": {"new": 1}}


@pytest.mark.parametrize(
    "change",
    [
        {"at": 3},
        {"source": None},
        {"outcome": "lost"},
        {"seconds": "1.5"},
        {"seconds": float("nan")},
        {"counts": [1]},
        {"counts": {"new": "1"}},
        {"problem": {}},
        {"more": 1},
        {"from_sidecars": [{}]},
        {"from_sidecars": None},
    ],
    ids=str,
)
def test_a_run_with_a_value_of_a_wrong_type_is_left_out(tmp_path, change):
    path = tmp_path / "runs.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in (RUN, RUN | change)))
    assert [run.source for run in RunLog(path).newest(9)] == ["photos"]


@pytest.mark.parametrize("line", ANYTHING)
def test_a_line_that_is_no_run_is_left_out(tmp_path, line):
    path = tmp_path / "runs.jsonl"
    path.write_text(f"{line}\n{json.dumps(RUN)}\n", encoding="utf-8", errors="surrogateescape")
    assert len(RunLog(path).newest(9)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"models": None},
        {"models": {}},
        {"models": [3]},
        {"models": [{"tasks": {}}]},
        {"models": [{"tasks": [{"exact": {"map": 1}}]}]},
        {"models": [{"classes": 3}]},
        {"pictures": "3"},
        {"icons": []},
        {"icons": {"../../x": ""}},
        {"metrics": "map"},
        {"left_out": [1]},
        {"at": 3},
    ],
    ids=str,
)
def test_an_evaluation_with_a_value_of_a_wrong_type_is_left_out_and_told(tmp_path, change, caplog):
    files = EvaluationFiles(tmp_path)
    files.add({"at": "2026-01-01T00:00:00Z", "models": []})
    (tmp_path / "2027.json").write_text(json.dumps({"at": "2026-01-01T00:00:00Z", "models": []} | change))
    assert len(files.newest(9)) == 1
    assert "python app.py evaluate" in caplog.text


@pytest.mark.parametrize("text", ANYTHING)
def test_a_file_that_is_no_evaluation_is_left_out(tmp_path, text):
    (tmp_path / "2027.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    assert EvaluationFiles(tmp_path).newest(9) == []


def test_a_file_in_the_place_of_a_folder_of_the_store_is_named(tmp_path):
    (tmp_path / "images").write_text("in the way")
    store = LocalImageStore(tmp_path / "images")
    for use in (store.count, lambda: store.add(record(1), b"original", b"thumbnail")):
        with pytest.raises(StoreUnavailable, match="images is a file where the image store needs a folder"):
            use()


def test_a_file_in_the_place_of_a_pack_is_named(tmp_path):
    from db.files.pack_reader import open_pack

    (tmp_path / "pack.zip").write_bytes(b"")
    with pytest.raises(InvalidPack, match=r"pack\.zip is a file: a pack is a folder"):
        open_pack(str(tmp_path / "pack.zip"))


def test_what_killed_writers_left_is_removed_and_what_others_write_stays(tmp_path):
    old, fresh, other = tmp_path / ".a.partial", tmp_path / ".b.partial", tmp_path / "c.partial"
    for path in (old, fresh, other):
        path.write_bytes(b"")
    for path in (old, other):
        os.utime(path, (time.time() - ABANDONED_AFTER - 1,) * 2)
    remove_abandoned(tmp_path)
    remove_abandoned(tmp_path / "not there")
    assert {path.name for path in tmp_path.iterdir()} == {fresh.name, other.name}
