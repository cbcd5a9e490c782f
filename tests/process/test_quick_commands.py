"""Runs the commands that need no picture encoded, and looks at what they have imported when they are done."""

import json
import os
import subprocess
import sys

import pytest

from encoders.engines.keeping_texts import keep_exact_texts
from encoders.engines.kept import KeptTowers
from encoders.engines.kept_texts import kept_note
from encoders.loading import load_encoder
from testing.program import ROOT, run_program

SLOW = ("torch", "transformers", "gradio", "pandas", "scipy", "requests", "httpx", "httpx2", "fsspec")
WATCHED = f"""
import json, os, sys
end = os._exit
def tell(code):
    print(json.dumps([name for name in {SLOW} if name in sys.modules]), file=sys.stderr)
    end(code)
os._exit = tell
import app
app.main()
"""

AFTERWARDS = """
import sys
from db.milvus.quick_import import import_quickly
import_quickly()
import pyarrow
from pymilvus.client import global_topology
from pymilvus.orm import schema
print([name for name in ("pandas", "requests") if name in sys.modules])
print(schema.is_list_like([]), schema.is_valid_insert_data(()), callable(global_topology.requests.get))
print(len(pyarrow.table({"number": [1]}).to_pandas()), len(pyarrow.array(schema.pd.Series([1, 2]))))
"""


@pytest.fixture(scope="module")
def home(libraries, tmp_path_factory):
    """Returns a folder with a library of the sample pictures, and a cache in which nothing is kept of a model."""
    return libraries.copy(libraries.samples(), tmp_path_factory.mktemp("quick")).parent


@pytest.fixture(scope="module")
def kept(home):
    """Returns the same, with what reads the texts of the small model kept."""
    encoder = load_encoder("small", "cpu")
    towers = KeptTowers(home / "hf" / "likeness", encoder.info.fingerprint)
    keep_exact_texts(encoder, towers, kept_note("small", "auto", "auto", "auto", ""))
    return home


def environment(home, **changed):
    settings = {"DATA_DIR": str(home / "data"), "CLIP_MODEL": "small", "HF_HOME": str(home / "hf"), "MILVUS_URI": ""}
    return {**os.environ, **settings, **changed}


def run(home, *arguments, **changed):
    """Returns how the command ended, and which of the slow packages it had imported."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *arguments],
        cwd=ROOT,
        env=environment(home, **changed),
        capture_output=True,
        text=True,
    )
    return done, json.loads(done.stderr.splitlines()[-1])


def test_torch_answers_a_text_where_nothing_was_kept(home):
    done = run_program(["search", "a red circle"], ROOT, environment(home, HF_HOME=str(home / "nothing kept")))
    assert done.returncode == 0, done.stderr
    assert "circle" in done.stdout.splitlines()[0]


@pytest.mark.parametrize(
    "command",
    [
        ["search", "a red circle"],
        ["search", "--text", "red", "--text", "circle^-0.5", "--where", "width>=10"],
        ["search", "--sort", "name"],
        ["status"],
    ],
)
def test_a_command_that_encodes_no_picture_imports_nothing_slow(kept, command):
    done, imported = run(kept, *command)
    assert done.returncode == 0 and imported == []


@pytest.mark.parametrize("command", [["search"], ["collections"], ["trash", "list"], ["--help"], ["--version"]])
def test_what_needs_no_model_imports_nothing_slow(home, command):
    done, imported = run(home, *command)
    assert done.returncode == 0 and imported == []


def test_a_refusal_imports_nothing_slow(home):
    done, imported = run(home, "search", "red", "--limit", "0")
    assert done.returncode == 2 and imported == []


def test_an_answer_is_the_same_as_by_torch(kept):
    quick, imported = run(kept, "search", "a red circle", "--json")
    by_torch = run_program(["search", "a red circle", "--json"], ROOT, environment(kept, CLIP_ENGINE="torch"))
    assert imported == []
    found, expected = (json.loads(each.stdout) for each in (quick, by_torch))
    assert [each["content_id"] for each in found] == [each["content_id"] for each in expected]
    assert [each["score"] for each in found] == pytest.approx([each["score"] for each in expected], abs=1e-4)


def test_with_milvus_lite_as_it_is_status_says_so_and_an_answer_is_the_same(kept):
    told, answers = [], []
    for switched in ("true", "false"):
        status, answer = (
            run(kept, *command, "--json", LITE_ACCELERATED=switched)[0]
            for command in (["status"], ["search", "a red circle"])
        )
        told.append(json.loads(status.stdout)["milvus"]["accelerated"])
        answers.append(json.loads(answer.stdout))
    assert told == [True, False] and answers[0] == answers[1]


def test_a_picture_is_encoded_by_torch_all_the_same(kept, tmp_path, picture):
    (tmp_path / "red.png").write_bytes(picture("red"))
    done, imported = run(kept, "search", "--image", str(tmp_path / "red.png"))
    assert done.returncode == 0 and "torch" in imported


def test_what_a_command_leaves_out_is_imported_where_it_is_used():
    done = subprocess.run([sys.executable, "-c", AFTERWARDS], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["[]", "True False True", "1 2"], done.stderr
