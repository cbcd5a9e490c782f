"""Searches by texts and pictures, and by many queries: the real program, the small CLIP, Milvus Lite."""

import csv
import json
from zipfile import ZipFile

import pyarrow.parquet
import pytest

from testing.pictures import samples
from testing.program import run_program
from tests.process.test_commands import settings

BEACH, NIGHT = "a sunny beach.png", "a city at night.png"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Returns some of the sample pictures as files."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, data in samples().items():
        if name in (BEACH, NIGHT):
            (folder / name).write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory, libraries):
    data = tmp_path_factory.mktemp("search")
    libraries.copy(libraries.samples(), data)

    def run(*arguments):
        return run_program(arguments, data, settings(data))

    return run


@pytest.fixture
def search(run):
    def search(*arguments):
        result = run("search", *arguments, "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return search


def test_texts_pictures_and_pictures_of_the_library_go_together(search, folder):
    night = folder / NIGHT
    [first, *_] = search("a beach", "--text", "a city^-0.5")
    assert first["name"] == BEACH
    hits = search("--text", "a city^0.2", "--image", f"{folder / BEACH}^-0.3", "--image", f"{night}#0,0.2,1,0.8")
    assert hits[0]["name"] == NIGHT
    liked = search("--like", f"{hits[0]['content_id']}^0.5", "--text", "water^0.1", "--limit", 60)
    assert len(liked) == 59 and NIGHT not in [hit["name"] for hit in liked]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--text", "red^nan"], "The weight nan is not possible"),
        (["--text", "red^-1"], "only says what to leave out"),
        (["red", "--text", "red^-1"], "cancel each other out"),
        (["--text", "red"] * 250, "has 250 parts: 16 are possible"),
        (["--text", "red^x"], "has no number after its ^"),
        (["--image", "nowhere.jpg"], "nowhere.jpg cannot be read"),
        (["--like", "x"], "is not a content ID"),
        (["--image", "x#1,1,1,1"], "reaches beyond the picture"),
        (["--queries", "x.csv"], "needs a file to write to"),
        (["--text-column", "caption", "red"], "go with --queries"),
        (["--out", "x.parquet", "red"], "has to end in .csv, .json, .zip"),
        (["--out", "nowhere/x.csv", "red"], "cannot be written"),
        (["--out", "x.csv", "--explain", "red"], "run it without --out"),
        (["red", "--queries", "x.csv", "--out", "x.csv"], "brings its own texts and pictures"),
        (["--queries", "x.csv", "--out", "x.csv"], "cannot be read"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_cannot_be_asked_gets_one_sentence(run, arguments, sentence):
    result = run("search", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    [line] = result.stderr.splitlines()
    assert sentence in line


def test_a_table_of_queries_is_answered_in_a_file(run, folder):
    table = folder / "queries.csv"
    table.write_text(f"text,filepath\na beach,\n,{NIGHT}\n,gone.png\n,\n")
    out = folder / "hits.csv"
    result = run("search", "--queries", table, "--out", out, "--limit", 200, "--exact")
    assert result.returncode == 1  # two rows had nothing to ask
    assert result.stdout.strip().endswith("hits.csv: 4 queries, 120 hits, 2 rejected")
    assert "gone.png: The file cannot be read" in result.stderr and "queries.csv, row 4" in result.stderr
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    firsts = [(row["query"], row["name"]) for row in rows if row["rank"] == "1"]
    assert firsts == [("a beach", BEACH), (NIGHT, NIGHT)]
    assert all(float(row["distance"]) == pytest.approx(1 - float(row["score"]), abs=1e-6) for row in rows)


@pytest.mark.parametrize("name", ["hits.csv", "hits.jsonl", "hits.parquet"])
def test_one_query_alone_is_answered_too_and_its_encoding_told(run, tmp_path, name):
    (tmp_path / "queries.csv").write_bytes("text\na café at a beach\n".encode("cp1252"))
    result = run("search", "--queries", tmp_path / "queries.csv", "--out", tmp_path / name, "--limit", 3)
    assert (result.returncode, result.stdout) == (0, f"{tmp_path / name}: 1 query, 3 hits, 0 rejected\n"), result.stderr
    assert "a café at a beach: The table was read as cp1252; --encoding names another." in result.stderr


def test_the_results_of_one_search_are_written_to_a_file(run, search, tmp_path):
    hits = search("a beach", "--limit", 3)
    for name in ("hits.csv", "hits.json", "hits.zip"):
        result = run("search", "a beach", "--limit", 3, "--out", tmp_path / name)
        assert (result.returncode, result.stdout) == (0, f"{tmp_path / name}: 3 results\n"), result.stderr
    rows = json.loads((tmp_path / "hits.json").read_text("utf-8"))
    assert [(row["rank"], row["content_id"]) for row in rows] == [
        (rank, hit["content_id"]) for rank, hit in enumerate(hits, 1)
    ]
    assert [(row["score"], row["relevance"]) for row in rows] == [(hit["score"], hit["relevance"]) for hit in hits]
    with (tmp_path / "hits.csv").open(newline="", encoding="utf-8") as file:
        assert [row["name"] for row in csv.DictReader(file)] == [hit["name"] for hit in hits]
    with ZipFile(tmp_path / "hits.zip") as file:
        assert {name: file.read(name) for name in file.namelist()} == {
            hit["name"]: samples()[hit["name"]] for hit in hits
        }
    assert len(list(tmp_path.iterdir())) == 3


def test_a_page_and_a_listing_are_written_as_they_are_printed(run, search, tmp_path):
    out = tmp_path / "hits.json"
    assert search("a beach", "--offset", 3, "--limit", 2, "--out", out) == {"out": str(out), "results": 2}
    assert [row["rank"] for row in json.loads(out.read_text("utf-8"))] == [4, 5]
    search("--where", "name^=night sky", "--sort", "name", "--out", out)
    rows = json.loads(out.read_text("utf-8"))
    assert [(row["rank"], row["name"]) for row in rows] == [
        (None, "night sky with a crescent moon.png"),
        (None, "night sky with a full moon.png"),
    ]


def test_a_folder_of_queries_is_answered_in_parquet(run, folder, tmp_path):
    result = run("search", "--queries", folder, "--out", tmp_path / "hits.parquet", "--limit", 1, "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["queries"] == 2
    rows = pyarrow.parquet.read_table(tmp_path / "hits.parquet").to_pylist()
    assert sorted(row["name"] for row in rows) == sorted([BEACH, NIGHT])
    assert all(row["query"].endswith(row["name"]) and row["score"] > 0.99 for row in rows)
