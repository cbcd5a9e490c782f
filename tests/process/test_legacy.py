"""Opens a library and a pack that version 0.1.0 has made: five pictures, encoded by the small model."""

import json
import os
import shutil
import signal
import time
import zipfile
from pathlib import Path

import pytest

from db.files.evaluations import EvaluationFiles
from db.files.run_log import RunLog
from library.ingest.watch import memory_file
from testing.program import ROOT, ForkedProgram

MADE_IN = "/srv/pictures"  # the folder of the pictures when the library was made
ENCODES_NOTHING = """
import app
from encoders.clip import ClipEncoder
def fail(*_):
    raise AssertionError("a picture was encoded")
ClipEncoder.encode_images = fail
app.main()
"""


@pytest.fixture
def old(tmp_path):
    with zipfile.ZipFile(ROOT / "tests" / "data" / "library-0.1.0.zip") as library:
        library.extractall(tmp_path)
    return tmp_path


@pytest.fixture
def run(old):
    """Returns a function: run("status", "--json") gives what that prints, in an app that can encode no picture."""

    def run(*arguments: object, data: str = "data") -> str:
        out, err = old / "out", old / "err"
        out.unlink(missing_ok=True)
        program = ForkedProgram(["-c", ENCODES_NOTHING, *map(str, arguments)], old, environment(old, data), out, err)
        assert program.wait(120) == 0, err.read_text()
        return out.read_text()

    return run


def environment(folder: Path, data: str = "data") -> dict[str, str]:
    own = {"DATA_DIR": str(folder / data), "CLIP_MODEL": "small", "CLIP_DEVICE": "cpu", "MILVUS_URI": ""}
    return {**os.environ, **own}


def test_pictures_rows_and_the_choice_of_nprobe_are_there(run):
    status = json.loads(run("status", "--json"))
    assert (status["pictures"], status["rows"]) == (5, 5)
    assert status["accuracy"] == {"nprobe": 16, "chosen": "by tune"}


def test_words_find_the_pictures(run):
    first, second, *_ = json.loads(run("search", "a red picture", "--json"))
    assert (first["name"], second["name"]) == ("red.png", "red-again.jpg")
    assert len(json.loads(run("search", "--where", "year>=2022", "--json"))) == 3


def test_the_rows_move_to_typed_fields_without_encoding(run, old):
    assert "rows as an earlier version kept them" in run("doctor", "--fix", "--yes")
    assert "earlier version" not in run("doctor")
    assert '"name": "meta"' in next((old / "data" / "milvus.db" / "collections").glob("*/schema.json")).read_text()
    test_words_find_the_pictures(run)
    test_pictures_rows_and_the_choice_of_nprobe_are_there(run)


def test_two_pictures_that_were_marked_distinct_stay_so(run, old):
    assert run("duplicates") == "no near-duplicates\n"
    (old / "data" / "near-duplicates.jsonl").unlink()
    assert "red-again.jpg" in run("duplicates")


def test_past_runs_and_evaluations_are_listed(old):
    runs = RunLog(old / "data" / "runs.jsonl").newest(9)
    assert [(run.source, run.outcome) for run in runs] == [(f"{MADE_IN}/in", "done"), ("table.csv", "done")]
    [evaluation] = EvaluationFiles(old / "data" / "evaluations").newest(9)
    assert [each["model"] for each in evaluation["models"]] == ["small"]


def test_the_same_files_are_duplicates(run):
    counts = json.loads(run("ingest", "in", "--json"))
    assert (counts["duplicate"], counts["new"], counts["rejected"]) == (5, 0, 0)


def test_a_pack_fills_a_new_library(run):
    assert run("import", "pack", data="new") == "5 new, 0 updated, 0 duplicate, 0 rejected, 0 skipped\n"
    status = json.loads(run("status", "--json", data="new"))
    assert (status["pictures"], status["rows"]) == (5, 5)
    assert json.loads(run("search", "a red picture", "--json", data="new"))[0]["name"] == "red.png"


def test_what_was_watched_is_known(old):
    album, store = old / "in", old / "data" / "images"
    [memory] = (old / "data" / "watch").iterdir()
    lines = memory.read_text().replace(MADE_IN, str(old))
    memory.unlink()
    memory_file(memory.parent, str(album), str(store)).write_text(lines)
    for seen in map(json.loads, lines.splitlines()[1:]):
        modified = int(seen["signature"].split(":")[1])
        os.utime(seen["path"], ns=(modified, modified))
    shutil.copy2(album / "red.png", album / "copy.png")  # all that has to be read

    out = old / "out"
    watching = ForkedProgram(["-c", ENCODES_NOTHING, "watch", str(album), "--delete"], old, environment(old), out)
    deadline = time.monotonic() + 60
    while not out.exists() or not out.read_text().endswith("\n"):
        assert watching.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    watching.send_signal(signal.SIGTERM)
    assert watching.wait(30) == 0
    assert out.read_text() == f"{album}: 0 new, 0 updated, 1 duplicate, 0 rejected, 0 deleted\n"
