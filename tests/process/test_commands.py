"""Runs the command line as a person meets it: the real program, the small CLIP, Milvus Lite."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from library.images import content_id
from library.samples.pictures import sample_pictures
from testing.app_server import ForkedServer
from testing.pictures import samples
from testing.program import run_program


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("commands")


@pytest.fixture(scope="module")
def run(home):
    """Returns a function: run("search", "red") gives the finished process, on one library shared by the module."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return run_program(arguments, home, settings(home, **environment))

    return run


def settings(data: Path, **environment: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLIP_", "MILVUS_", "EDITS"))}
    return kept | {"DATA_DIR": str(data / "data"), "CLIP_MODEL": "small"} | environment


def receipt(result: subprocess.CompletedProcess[str]) -> dict:
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """Makes a folder with three pictures, one of them twice, and things that are no pictures."""
    folder = tmp_path_factory.mktemp("album")
    drawn = [data for _, data in sample_pictures(3)]
    (folder / "sub").mkdir()
    for name, data in zip(["a.png", "b.png", "sub/c.png"], drawn, strict=True):
        (folder / name).write_bytes(data)
    (folder / "sub" / "again.png").write_bytes(drawn[0])
    (folder / "broken.jpg").write_text("text")
    (folder / "notes.txt").write_text("text")
    (folder / ".hidden.png").write_bytes(drawn[1])
    return folder


@pytest.fixture(scope="module")
def filled(run, album):
    """Returns the receipt of the first ingestion, which the other tests build on."""
    return run("ingest", album, "--json")


def test_ingest_gives_a_receipt_for_every_file(filled, album):
    assert filled.returncode == 1  # one file was rejected
    counts = receipt(filled)
    assert [counts[status] for status in ("new", "duplicate", "rejected", "skipped")] == [3, 1, 1, 2]
    by_name = {Path(file["path"]).name: file for file in counts["files"]}
    assert by_name["a.png"] == {
        "path": str(album / "a.png"),
        "status": "new",
        "content_id": content_id((album / "a.png").read_bytes()),
        "reason": None,
        "near_duplicate_of": None,
    }
    assert by_name["again.png"]["reason"] == "The same picture as a.png."
    assert "not a picture" in by_name["broken.jpg"]["reason"]
    assert by_name[".hidden.png"]["status"] == by_name["notes.txt"]["status"] == "skipped"


def test_a_second_run_finds_only_duplicates(run, filled, album):
    counts = receipt(run("ingest", album / "a.png", album / "sub", "--json"))
    assert [counts[status] for status in ("new", "duplicate", "rejected")] == [0, 3, 0]


def test_a_file_named_outright_is_never_skipped(run, filled, album):
    result = run("ingest", album / "notes.txt")
    assert result.returncode == 1
    assert "rejected" in result.stdout and "not a picture" in result.stdout
    assert result.stdout.endswith("0 new, 0 updated, 0 duplicate, 1 rejected, 0 skipped\n")


def test_a_picture_finds_itself_first(run, filled, album):
    hits = json.loads(run("search", "--image", album / "b.png", "--limit", 2, "--json").stdout)
    assert len(hits) == 2
    assert set(hits[0]) == {"content_id", "img_path", "name", "score", "relevance", "z", "percentile"}
    assert (hits[0]["name"], hits[0]["score"] >= 0.99) == ("b.png", True)
    assert hits[0]["img_path"] == f"images/{hits[0]['content_id'][:2]}/{hits[0]['content_id']}.png"


def test_without_words_the_newest_pictures_are_listed(run, filled):
    result = run("search")
    assert (result.returncode, result.stderr) == (0, "")
    assert [line.split("  ")[1] for line in result.stdout.splitlines()] == ["c.png", "b.png", "a.png"]


def test_words_give_ranked_lines(run, filled):
    lines = run("search", "a red circle", "--exact").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2", "3"]
    scores = [float(line.split()[1]) for line in lines]
    assert scores == sorted(scores, reverse=True)


def test_a_search_can_be_printed_as_a_program_that_finds_the_same(run, filled, home, tmp_path):
    hits = json.loads(run("search", "a red circle", "--json").stdout)
    program = tmp_path / "again.py"
    program.write_text(run("search", "a red circle", "--explain").stdout)
    result = subprocess.run(
        [sys.executable, program], env=settings(home), cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    printed = [line.split()[1:] for line in result.stdout.splitlines()]
    assert printed == [[f"{hit['score']:.6f}", hit["img_path"], hit["name"]] for hit in hits]


def test_a_text_that_is_cut_is_told(run, filled):
    result = run("search", "circle " * 1500)
    assert result.returncode == 0 and "its end was left out" in result.stderr


@pytest.mark.parametrize("text", ["🦁🌈", "\x1b[2J \x07 circle", "' or 1 == 1 --"])
def test_odd_words_are_searched(run, filled, text):
    result = run("search", text)
    assert result.returncode == 0 and len(result.stdout.splitlines()) == 3


@pytest.mark.parametrize(
    "how", [["red", "--where", "width>9999"], ["red", "--min-score", "0.99"], ["--where", "width<1"]]
)
def test_that_nothing_matches_is_said_beside_the_results(run, filled, how):
    result = run("search", *how)
    assert (result.returncode, result.stdout) == (0, "")
    assert "No picture matches." in result.stderr


def test_beyond_the_last_result_no_further_one_is_said_to_match(run, filled):
    assert "No further picture matches." in run("search", "red", "--offset", "50").stderr


@pytest.mark.parametrize("how", [["red"], ["--sort", "name"]])
def test_an_empty_library_is_said_to_be_empty(run, tmp_path, how):
    result = run("search", *how, DATA_DIR=str(tmp_path / "empty"))
    assert (result.returncode, result.stdout) == (0, "")
    assert "The library is empty: add pictures with ingest" in result.stderr


def test_status_as_json(run, filled):
    status = json.loads(run("status", "--json").stdout)
    models = {"model", "texts", "stands_in_for", "dim", "device", "dtype", "engine"}
    assert set(status) == {"pictures", "rows", "index", "accuracy", "milvus", *models}
    assert (status["pictures"], status["rows"], status["model"]) == (3, 3, "small")
    assert status["index"] == {"type": "IVF_FLAT", "metric": "COSINE", "nlist": 128}
    assert set(status["milvus"]) == {"version", "accelerated", "state", "loads", "releases", "searches"}


def test_status_as_lines(run, filled):
    lines = run("status").stdout.splitlines()
    assert lines[0].split() == ["pictures", "3"]


def test_commands_are_quiet_unless_asked(run, filled):
    assert run("status").stderr == ""
    assert "model small is ready" in run("status", LOG_LEVEL="info").stderr


def test_a_dry_run_tells_what_would_happen_and_changes_nothing(run, filled, album, tmp_path):
    drawn = [data for _, data in sample_pictures(7)]
    for number, data in enumerate((*drawn[5:], drawn[5], drawn[0], b"text")):
        (tmp_path / f"{number}.png").write_bytes(data)
    counts = receipt(run("ingest", tmp_path, "--dry-run", "--json"))
    assert [counts[status] for status in ("new", "duplicate", "rejected")] == [2, 2, 1]
    assert json.loads(run("status", "--json").stdout)["pictures"] == 3


def test_an_archive_is_taken_in_with_metadata_up_to_a_limit(run, filled, tmp_path):
    archive, data = tmp_path / "album.zip", str(tmp_path / "data")
    with zipfile.ZipFile(archive, "w") as zipped:
        for name, picture in sample_pictures(5):
            zipped.writestr(f"2019/{name}", picture)
    arguments = ("--metadata", "album=holiday", "--metadata", "stars=5=five", "--limit", 4, "--batch-size", 1, "--json")
    assert receipt(run("ingest", archive, *arguments, DATA_DIR=data))["new"] == 4
    [record, *_] = (json.loads(path.read_text()) for path in Path(data, "images").rglob("*.json"))
    assert record["metadata"] == {"album": "holiday", "stars": "5=five"}
    assert record["source"].startswith("album.zip/2019/")


def test_a_table_brings_its_columns_along(run, filled, album, tmp_path):
    (tmp_path / "photos.csv").write_text(f"path,class,width\n{album / 'a.png'},circle,300\ngone.png,x,1\n")
    data = str(tmp_path / "data")
    result = run("ingest", "--table", tmp_path / "photos.csv", "--image-column", "path", "--json", DATA_DIR=data)
    assert [file["status"] for file in receipt(result)["files"]] == ["new", "rejected"]
    [record] = (json.loads(path.read_text()) for path in Path(data, "images").rglob("*.json"))
    assert (record["metadata"], record["source"]) == ({"class": "circle", "width": 300}, "a.png")


def test_shards_together_take_everything_in_and_write_their_receipts(run, filled, album, tmp_path):
    data, paths = str(tmp_path / "data"), []
    for number in (1, 2):
        file = tmp_path / f"{number}.jsonl"
        run("ingest", album, "--shard", f"{number}/2", "--receipt", file, DATA_DIR=data)
        paths += [json.loads(line)["path"] for line in file.read_text().splitlines()]
    assert sorted(paths) == sorted(file["path"] for file in receipt(filled)["files"])
    assert json.loads(run("status", "--json", DATA_DIR=data).stdout)["rows"] == 3


def test_delete_takes_row_and_files(run, filled, album, tmp_path):
    extra = tmp_path / "extra.png"
    extra.write_bytes(list(sample_pictures(5))[4][1])
    [file] = receipt(run("ingest", extra, "--json"))["files"]
    assert run("delete", file["content_id"]).stdout.startswith(f"deleted  {file['content_id']}")
    assert json.loads(run("status", "--json").stdout)["rows"] == 3
    again = run("delete", file["content_id"])
    assert (again.returncode, again.stderr) == (2, "This picture is no longer in the library.\n")


def test_samples_fill_an_empty_library(run, tmp_path):
    result = run("samples", "--json", DATA_DIR=str(tmp_path / "data"))
    assert receipt(result)["new"] >= 50 and result.returncode == 0


def test_a_pack_moves_a_library_to_another_place(run, filled, album, tmp_path):
    pack, other = tmp_path / "pack", str(tmp_path / "data")
    packed = receipt(run("export", pack, "--originals", "--json"))
    assert packed == {"pack": str(pack), "packed": 3, "without_original": 0, "without_vector": 0}
    assert run("import", pack, DATA_DIR=other).stdout == "3 new, 0 updated, 0 duplicate, 0 rejected, 0 skipped\n"
    again = receipt(run("import", pack, "--json", DATA_DIR=other))
    assert again == {"new": 0, "updated": 0, "duplicate": 3, "rejected": 0, "skipped": 0, "files": []}
    here, there = run("search", "a red circle"), run("search", "a red circle", DATA_DIR=other)
    assert (here.stdout, here.returncode) == (there.stdout, 0)


def test_a_pack_of_vectors_alone_says_what_it_lacks(run, filled, tmp_path):
    pack, other = tmp_path / "pack", str(tmp_path / "data")
    assert run("export", pack).stdout == f"3 packed in {pack}\n"
    result = run("import", pack, DATA_DIR=other)
    assert result.returncode == 1
    assert result.stdout.splitlines()[0] == "0 new, 0 updated, 0 duplicate, 0 rejected, 3 skipped"
    assert "export with --thumbnails or --originals" in result.stdout


def test_pictures_without_a_vector_are_left_out_of_a_pack(run, filled, album, tmp_path):
    data = tmp_path / "data"
    run("ingest", album / "a.png", DATA_DIR=str(data))
    shutil.rmtree(data / "milvus.db")
    run("ingest", album / "b.png", DATA_DIR=str(data))
    lines = run("export", tmp_path / "pack", DATA_DIR=str(data)).stdout.splitlines()
    assert lines == [
        f"1 packed in {tmp_path / 'pack'}",
        "1 left out that lack their vector: run reindex, then export again",
    ]


def test_a_pack_that_lies_is_refused(run, filled, tmp_path):
    pack = tmp_path / "pack"
    run("export", pack, "--thumbnails")
    manifest = json.loads((pack / "manifest.json").read_text())
    (pack / "manifest.json").write_text(json.dumps(manifest | {"dimension": 512}))
    result = run("import", pack, DATA_DIR=str(tmp_path / "data"))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "The manifest is wrong: it says vectors of 512 numbers, pictures-00000.parquet has vectors of 128."
        " Export the pack again.\n"
    )
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["delete", "../../etc/passwd"], "not a content ID"),
        (["delete", "zzz'] or img_path not in ['qqq"], "not a content ID"),
        (["search", "x", "--limit", "0"], "1 to 200 results"),
        (["search", ""], "Describe a picture"),
        (["search", "--image", "nowhere.png"], "nowhere.png cannot be read"),
        (["ingest", "nowhere"], "There is no file or folder nowhere"),
        (["ingest"], "Nothing to add was given"),
        (["ingest", ""], "A source is an empty text. Name a file"),
        (["watch", ""], "A source is an empty text. Name a file"),
        (["ingest", "*.nothing"], "The pattern *.nothing matches no file or folder"),
        (["search", "\udcff"], "holds half of a character"),
        (["search", "--text", "\udcff"], "holds half of a character"),
        (["search", "red", "--where", "name=\udcff"], "half of a character"),
        (["search", "red", "--limit", "1e400"], "The limit has to be a number, not"),
        (["search", "red", "--limit", "9" * 5_000], "The limit has to be a number, not"),
        (["search", "red", "--limit", 10**30], "1 to 200 results"),
        (["search", "red", "--offset", 10**30], "Only the best 16,384 results"),
        (["search", "red", "--min-score", "nan"], "The minimum score has to be a number, not"),
        (["search", "red", "--min-score", "1e400"], "The minimum score has to be a number, not"),
        (["search", "red", "--where", "width>1e400"], "compared with numbers from"),
        (["ingest", "--table", "nowhere.csv"], "The table nowhere.csv cannot be read"),
        (["ingest", ".", "--metadata", "album"], "name=value is expected"),
        (["ingest", ".", "--shard", "9/8"], "3/8 is the third of eight"),
        (["ingest", ".", "--receipt", "out.txt"], "has to end in .csv or .jsonl"),
        (["ingest", "nope://x"], "no kind of store that is known here"),
        (["export", "."], "is not empty"),
        (["export", "s3://bucket/pack"], "A pack is a folder on this machine"),
        (["import", "nowhere"], "There is no folder nowhere"),
        (["import", "."], "is no whole pack"),
        (["fly"], "No such command"),
    ],
)
def test_wrong_usage_ends_with_exit_code_2(run, filled, arguments, message):
    result = run(*arguments)
    assert result.returncode == 2 and message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_milvus_that_is_away_ends_with_exit_code_3_and_says_how_to_start_it(run, album):
    for arguments in (["search", "a red circle"], ["ingest", str(album)], ["status"]):
        result = run(*arguments, MILVUS_URI="http://127.0.0.1:9")
        assert result.returncode == 3
        assert "docker compose -f docker-compose.milvus.yml up -d" in result.stderr.splitlines()[-1]
        assert "Traceback" not in result.stderr


def test_a_bucket_that_cannot_be_reached_ends_with_exit_code_3(run, bucket):
    result = run("ingest", "s3://nowhere/at-all")
    assert result.returncode == 3
    assert "There is nothing at s3://nowhere/at-all." in result.stderr.splitlines()[-1]


def test_a_folder_that_is_no_model_writes_nothing(run, tmp_path):
    for arguments in ([], ["status"]):
        result = run(*arguments, CLIP_MODEL=str(tmp_path), DATA_DIR=str(tmp_path / "data"), GRADIO_SERVER_PORT="")
        assert result.returncode == 2
        assert "holds no model" in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def serving(tmp_path):
    """Serves the app with an empty library in tmp_path."""
    server = ForkedServer(tmp_path).wait()
    yield server.process
    server.process.kill()
    server.process.wait()


def test_while_another_program_holds_the_lite_file_a_command_says_how_to_go_on(serving, run, tmp_path):
    deadline = time.monotonic() + 60
    awaited = [tmp_path / "data" / name for name in ("milvus.db", "app/socket")]
    while not all(path.exists() for path in awaited) and time.monotonic() < deadline:
        time.sleep(0.2)
    shutil.rmtree(tmp_path / "data" / "app")  # as of a program that holds the file and takes no commands
    result = run("search", "a red circle", DATA_DIR=str(tmp_path / "data"))
    assert result.returncode == 3
    [line] = result.stderr.splitlines()
    assert "in use by another process" in line and "stop it" in line


def test_sigterm_frees_the_lite_file(serving, run, tmp_path):
    serving.send_signal(signal.SIGTERM)
    assert serving.wait(15) == 0
    assert run("status", DATA_DIR=str(tmp_path / "data")).returncode == 0


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_pictures_are_kept_where_image_store_says(request, tmp_path, album, kind):
    place = request.getfixturevalue("bucket") if kind == "bucket" else str(tmp_path / "pictures")
    assert receipt(on_store(tmp_path, place, "ingest", str(album), "--json"))["new"] == 3
    assert receipt(on_store(tmp_path, place, "ingest", str(album), "--json"))["new"] == 0
    status = receipt(on_store(tmp_path, place, "status", "--json"))
    assert (status["pictures"], status["rows"]) == (3, 3)
    assert not (tmp_path / "data" / "images").exists()


@pytest.mark.parametrize(
    ("place", "code", "message"),
    [
        ("tape://reel", 2, "IMAGE_STORE=tape://reel is not possible: tape:// is no kind of store"),
        ("s3://pictures", 3, "The image store s3://pictures does not answer."),
    ],
)
def test_a_store_out_of_reach_is_named(tmp_path, album, s3_environment, place, code, message):
    s3_environment("http://127.0.0.1:1")
    result = on_store(tmp_path, place, "ingest", str(album))
    assert result.returncode == code
    assert result.stderr.splitlines()[-1].startswith(message) and "Traceback" not in result.stderr


def on_store(folder: Path, place: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_program(arguments, folder, settings(folder, IMAGE_STORE=place))


# Filters


def test_conditions_narrow_a_search_down_and_are_typed_as_the_field_is(run, tmp_path):
    for name, (_, data) in zip(("1.png", "2.png", "3.png"), [*samples().items()][-3:], strict=True):
        (tmp_path / name).write_bytes(data)
    rows = ["filepath,stars,code", "1.png,1,007", "2.png,5,7a", "3.png,,007"]
    (tmp_path / "table.csv").write_text("\n".join(rows))
    run("ingest", "--table", tmp_path / "table.csv").check_returncode()

    def found(*arguments: str) -> list[str]:
        return [hit["name"] for hit in json.loads(run("search", *arguments, "--json").stdout)]

    assert found("red", "--where", "stars!=5") == ["1.png"]
    assert set(found("red", "--where", "code=007")) == {"1.png", "3.png"}
    assert set(found("red", "--where", "stars=5", "--where", "code=007", "--any")) == {"1.png", "2.png", "3.png"}
    assert found("--where", "stars=1..5", "--sort", "name", "--offset", "1") == ["2.png"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--where", "nowhere=5"], "No picture has a field 'nowhere'; there are name, width"),
        (["--where", "width"], "is not a condition: write --where"),
        (["--where", "width>=wide"], "width is a number, which 'wide' is not."),
        (["--sort", "colour"], "Sorting by 'colour' is not possible: score, name, added, size are."),
        (["--offset", "16384"], "Only the best 16,384 results"),
    ],
)
def test_a_filter_order_or_offset_that_cannot_be_is_wrong_usage(run, arguments, told):
    result = run("search", "red", *arguments)
    assert result.returncode == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
