"""Runs `evaluate` and `tune` as a person meets them: the real program, the small CLIP, Milvus Lite."""

import json
import subprocess
from functools import partial
from pathlib import Path

import pytest

from testing.pictures import samples
from testing.program import run_program
from tests.process.test_commands import settings


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("measuring")


@pytest.fixture(scope="module")
def run(data):
    """Returns a function: run("tune") gives the finished process, on one library shared by the module."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return run_program(arguments, data, settings(data, **environment), timeout=300)

    return run


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Lists some drawn pictures by what is on them."""
    folder = tmp_path_factory.mktemp("table")
    lines = ["filepath,kind,caption"]
    for name, drawn in samples().items():
        kind = next((kind for kind in ("stripes", "house", "checks", "dots") if kind in name), None)
        if kind:
            (folder / name).write_bytes(drawn)
            lines.append(f"{name},{kind},{name.removesuffix('.png')}")
    (folder / "drawn.csv").write_text("\n".join(lines))
    return folder / "drawn.csv"


@pytest.fixture(scope="module")
def evaluation(run, table):
    columns = ("--label-column", "kind", "--captions-column", "caption")
    return run("evaluate", table, *columns, "--k", "1,3", "--template", "a drawing of {}", "--json")


def test_a_table_is_evaluated_by_its_columns_and_the_library_stays_as_it_was(evaluation, data):
    assert evaluation.returncode == 0, evaluation.stderr
    found = json.loads(evaluation.stdout)
    [model] = found["models"]
    assert (found["source"], found["classes"], model["model"]) == ("drawn.csv", 4, "small")
    assert [task["queries"] for task in model["tasks"]] == ["class names", "templates", "pictures", "captions"]
    captions = model["tasks"][3]["exact"]
    assert captions["recall@3"]["value"] >= captions["recall@1"]["value"] > 0.5
    assert [path.name for path in (data / "data").iterdir()] == ["evaluations"]


def test_what_was_evaluated_is_kept_with_small_pictures(evaluation):
    found = json.loads(evaluation.stdout)
    kept = json.loads(Path(found["kept"]).read_text())
    assert "icons" not in found and kept["icons"]
    assert kept["models"] == found["models"]


def test_the_classes_may_be_folders_and_the_figures_a_table(run, table, tmp_path):
    for kind in ("house", "dots"):
        (tmp_path / "photos" / kind).mkdir(parents=True)
        for path in table.parent.glob(f"*{kind}*.png"):
            (tmp_path / "photos" / kind / path.name).write_bytes(path.read_bytes())
    result = run("evaluate", tmp_path / "photos", "--labels-from-folders", "--k", 1)
    assert result.returncode == 0, result.stderr
    for line in (
        "pictures of 2 classes from photos",
        "Pictures by class name, 2 queries",
        "small, exact ",
        "difference by the index ",
        "gain of all 4, averaged ",
        "Worst queries by class name, small",
        "Kept in ",
    ):
        assert line in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "{table}", "--label-column", "colour"], "There is no column colour. The columns are: caption,"),
        (["evaluate", "{table}"], "Nothing says what the pictures show"),
        (["evaluate", "{folder}", "--labels-from-folders"], "No picture has a label"),
        (["evaluate", "{empty}", "--labels-from-folders"], "There are no pictures here"),
        (["evaluate", "{table}", "--label-column", "kind", "--k", "1,100"], "recall@100 needs more than 100 pictures"),
        (["evaluate", "{table}", "--label-column", "kind", "--k", "one"], "--k takes numbers from 1 to 200"),
        (["evaluate", "{table}", "--label-column", "kind", "--template", "x"], "needs one {} where the name"),
        (["evaluate", "{table}", "--label-column", "kind", "--model", "{empty}"], "holds no model"),
        (["evaluate", "nowhere", "--labels-from-folders"], "There is no file or folder nowhere"),
        (["evaluate", "--labels-from-folders"], "There are no pictures here"),
        (["tune"], "There are no searchable pictures to measure with: add some first."),
        (["tune", "--k", "0"], "k is 0: 1 to 199 results can be compared."),
        (["tune", "--texts", "nowhere.txt"], "nowhere.txt cannot be read"),
    ],
)
def test_wrong_usage_ends_with_one_sentence_and_exit_code_2(run, table, tmp_path, arguments, message):
    (tmp_path / "empty").mkdir()
    apps = {"{table}": table, "{folder}": table.parent, "{empty}": tmp_path / "empty"}
    result = run(*[apps.get(each, each) for each in arguments], DATA_DIR=str(tmp_path / "data"))
    assert result.returncode == 2, result.stderr
    assert message in result.stderr.splitlines()[-1] and "Traceback" not in result.stderr


@pytest.fixture
def run_on_samples(run, libraries, tmp_path):
    return partial(run, DATA_DIR=str(libraries.copy(libraries.samples(), tmp_path)))


def test_tune_suggests_keeps_and_takes_back(run_on_samples, tmp_path):
    run = run_on_samples
    (tmp_path / "texts.txt").write_text("a house\ntwo balloons\n\n")
    wish = ("--texts", tmp_path / "texts.txt", "--queries", 5, "--k", 3, "--target", 0.5)
    found = json.loads(run("tune", *wish, "--store", "--json").stdout)
    assert (found["rows"], found["queries"], found["texts_from"]) == (60, {"text": 2, "picture": 5}, {"given": 2})
    assert found["stored"] and found["suggested"] in [step["nprobe"] for step in found["steps"]]
    status = json.loads(run("status", "--json").stdout)
    assert status["accuracy"] == {"nprobe": found["suggested"], "chosen": "by tune"}
    lines = run("tune", *wish).stdout
    assert "nprobe   text recall" in lines and f"nprobe {found['suggested']} gives" in lines
    assert run("tune", "--reset").returncode == 0
    assert "chosen" not in json.loads(run("status", "--json").stdout)["accuracy"]


def test_k_larger_than_the_library_is_said(run_on_samples):
    result = run_on_samples("tune", "--k", 60)
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith("recall@60 needs more than 60 pictures and the library has 60")
