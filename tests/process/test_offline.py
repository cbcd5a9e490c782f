"""Runs without a network: the small model is the fallback until the chosen one can be loaded."""

import json
import os

import pytest

from testing.program import run_program
from testing.tiny_clip import TINY_CLIP, put_into_hub_cache

NO_HUB = "http://127.0.0.1:9"


@pytest.fixture
def environment(tmp_path):
    own = {"DATA_DIR": str(tmp_path / "data"), "HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": NO_HUB}
    return {**os.environ, "CLIP_MODEL": TINY_CLIP, "MILVUS_URI": "", **own}


@pytest.fixture
def run(tmp_path, environment):
    return lambda *arguments: run_program(arguments, tmp_path, environment)


def test_from_no_network_to_the_chosen_model(run, tmp_path):
    added = run("samples")
    assert added.returncode == 0 and added.stdout.startswith("60 new")
    assert f"model small answers instead of {TINY_CLIP}" in added.stderr
    refused = run("reindex")
    assert refused.returncode == 3 and refused.stderr.count("cannot be reached") == 1
    originals = sorted((tmp_path / "data" / "images").rglob("*"))

    put_into_hub_cache(tmp_path / "hf")
    before = json.loads(run("status", "--json").stdout)
    assert (before["model"], before["stands_in_for"], before["rows"]) == ("small", TINY_CLIP, 60)
    assert "rainbow" in run("search", "a rainbow").stdout.splitlines()[0]

    assert run("reindex").stdout.endswith("60 encoded, 0 rejected\n")
    assert run("reindex").stdout.endswith("0 encoded, 0 rejected\n")
    after = json.loads(run("status", "--json").stdout)
    assert (after["model"], after["stands_in_for"], after["rows"]) == (TINY_CLIP, None, 60)
    assert sorted((tmp_path / "data" / "images").rglob("*")) == originals


def test_a_model_half_downloaded_counts_as_not_there(run, tmp_path):
    put_into_hub_cache(tmp_path / "hf")
    [weights] = (tmp_path / "hf").rglob("model.safetensors")
    weights.unlink()
    assert "cannot be reached" in run("reindex").stderr
