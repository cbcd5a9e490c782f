"""Uses several models on the command line: the real program, the small CLIP beside a tiny one, Milvus Lite."""

import json
import os
import subprocess
import sys

import pytest
from transformers import Dinov2Config, Dinov2Model

from testing.app_server import ROOT
from testing.program import run_program
from testing.tiny_clip import save_tiny_clip


@pytest.fixture(scope="module")
def other(libraries):
    return str(libraries.two_models() / "other")


@pytest.fixture(scope="module")
def run(tmp_path_factory, libraries):
    """Returns a function: run("search", "red") gives the finished process, over samples encoded for two models."""
    home = tmp_path_factory.mktemp("side")
    libraries.copy(libraries.two_models(), home)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLIP_", "MILVUS_", "EDITS"))}

    environment = kept | {"DATA_DIR": str(home / "data"), "CLIP_MODEL": "small"}

    def run(*arguments: object, answer: str = ""):
        if not answer:
            return run_program(arguments, home, environment)
        command = [sys.executable, "app.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, input=answer, capture_output=True, text=True)

    return run


def listed(run):
    return {each["model"]: each for each in json.loads(run("collections", "--json").stdout)}


def test_a_search_asks_the_model_that_is_named(run, other):
    results = [run("search", "a red circle", "--json", *more) for more in ([], ["--model", other])]
    assert [result.returncode for result in results] == [0, 0], [result.stderr for result in results]
    own, others = (json.loads(result.stdout) for result in results)
    assert own != others


def test_what_is_encoded_already_is_not_encoded_again(run, other):
    assert json.loads(run("reindex", "--model", other, "--json").stdout)["encoded"] == 0


def test_the_collections_are_listed_with_model_rows_size_and_date(run):
    found = listed(run)
    assert {model: each["rows"] for model, each in found.items()} == {"small": 60, "other": 60}
    assert found["small"]["vector_bytes"] == 4 * 128 * 60
    assert found["small"]["created"].endswith("Z")
    assert "small" in run("collections").stdout


def nothing_there(folder):
    folder.mkdir()


def without_a_text_tower(folder):
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    Dinov2Model(Dinov2Config(**sizes)).save_pretrained(folder)


def half_downloaded(folder):
    weights = save_tiny_clip(folder) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (nothing_there, "The model wished: this folder holds no model, config.json is missing."),
        (without_a_text_tower, "The model wished is a dinov2 model, without an image tower and a text tower"),
        (half_downloaded, "The model wished cannot be loaded: "),
    ],
)
def test_a_model_that_cannot_serve_is_one_sentence_and_nothing_is_written(run, tmp_path, make, sentence):
    before = listed(run)
    make(tmp_path / "wished")
    for command in (["reindex"], ["search", "red"]):
        result = run(*command, "--model", tmp_path / "wished")
        assert result.returncode == 2
        [said] = result.stderr.strip().splitlines()
        assert said.startswith(sentence)
    assert listed(run) == before


def test_two_models_of_one_name_are_refused(run, tmp_path):
    result = run("search", "red", "--model", save_tiny_clip(tmp_path / "small"))
    assert (result.returncode, result.stderr) == (2, "Two models would be called small: rename the folder of one.\n")


def test_a_collection_is_dropped_only_when_that_is_meant(run, other):
    found = listed(run)
    name = found["other"]["name"]
    refused = run("drop", name, answer="n\n")
    assert refused.returncode == 1
    assert "60 pictures" in refused.stdout + refused.stderr
    assert listed(run) == found
    assert run("drop", found["small"]["name"], "--yes").returncode == 2
    assert run("drop", name, "--yes").stdout == f"dropped  {name}\n"
    assert set(listed(run)) == {"small"}
    assert json.loads(run("reindex", "--model", other, "--json").stdout)["encoded"] == 60
