"""Opens a library, a collection and a pack of version 0.1.0: five pictures, encoded by the small model."""

import json
import os
import shutil
import signal
import time
import zipfile
from functools import partial
from pathlib import Path

import pytest
from pymilvus import DataType, MilvusClient

from db.files.evaluations import EvaluationFiles
from db.files.run_log import RunLog
from db.milvus.database import Milvus
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

    def run(*arguments: object, data: str = "data", uri: str = "") -> str:
        out, err = old / "out", old / "err"
        out.unlink(missing_ok=True)
        told = environment(old, data, uri)
        program = ForkedProgram(["-c", ENCODES_NOTHING, *map(str, arguments)], old, told, out, err)
        assert program.wait(120) == 0, err.read_text()
        return out.read_text()

    return run


@pytest.fixture
def run_on_server(old, milvus_server, run):
    """Returns `run` over a Milvus server whose collection has the rows of the library, as version 0.1.0 made it."""
    lite = Milvus(next((old / "data").glob("milvus*.db")))
    [name] = lite.names("likeness_")
    with lite.named(name).loaded() as index:
        records = index.rows()
        vectors = index.vectors([*records])
    lite.close()
    shutil.rmtree(old / "data" / "milvus.db", ignore_errors=True)
    rows = [row_of(record, vectors[record.content_id]) for record in records.values()]
    client = MilvusClient(milvus_server.uri, timeout=30)
    make_as_0_1_0(client, name, rows)
    yield partial(run, uri=milvus_server.uri)
    client.close()
    milvus_server.empty()


def row_of(record, vector) -> dict[str, object]:
    built_in = ("name", "format", "width", "height", "bytes", "added", "source")
    known = {field: getattr(record, field) for field in built_in}
    return {"img_path": record.img_path, "img_emb": vector, "meta": dict(record.metadata), **known}


def make_as_0_1_0(client: MilvusClient, name: str, rows: list[dict[str, object]]) -> None:
    schema = client.create_schema(auto_id=False, enable_dynamic_field=True)
    schema.add_field("img_path", DataType.VARCHAR, is_primary=True, max_length=128)
    schema.add_field("img_emb", DataType.FLOAT_VECTOR, dim=len(rows[0]["img_emb"]))
    client.create_collection(f"{name}_n128", schema=schema, consistency_level="Session")
    client.create_alias(f"{name}_n128", name)
    index = client.prepare_index_params()
    index.add_index("img_emb", index_type="IVF_FLAT", metric_type="COSINE", index_name="img_emb", nlist=128)
    client.create_index(name, index)
    client.upsert(name, rows)
    client.flush(name)


def environment(folder: Path, data: str = "data", uri: str = "") -> dict[str, str]:
    own = {"DATA_DIR": str(folder / data), "CLIP_MODEL": "small", "CLIP_DEVICE": "cpu", "MILVUS_URI": uri}
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


def test_a_collection_of_a_server_is_searched_and_added_to_without_encoding(run_on_server):
    status = json.loads(run_on_server("status", "--json"))
    assert (status["pictures"], status["rows"]) == (5, 5)
    first, second, *_ = json.loads(run_on_server("search", "a red picture", "--json"))
    assert (first["name"], second["name"]) == ("red.png", "red-again.jpg")
    counts = json.loads(run_on_server("ingest", "in", "--json"))
    assert (counts["duplicate"], counts["new"], counts["rejected"]) == (5, 0, 0)
    assert run_on_server("import", "pack", data="new") == "5 new, 0 updated, 0 duplicate, 0 rejected, 0 skipped\n"
    assert len(json.loads(run_on_server("search", "a red picture", "--json", data="new"))) == 5
    assert run_on_server("doctor") == "5 pictures, 1 collection: all is well\n"


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
