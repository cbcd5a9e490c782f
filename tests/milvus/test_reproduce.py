"""Runs a search as a program of its own, in another interpreter: it prints the hits that the app has shown."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from db.milvus import lite, server
from db.milvus.database import Milvus
from db.milvus.loaded import LoadedMilvusCollection
from db.milvus.reproduce import script
from library.image_library import ImageLibrary
from library.ports import Question
from library.running.together import Together
from library.search.query import Answer, Query
from testing.fakes import ColourEncoder, MemoryStore, ready
from testing.pictures import item
from testing.program import run_forked

COLOURS = ("red", "green", "blue", "#ff4400", "#cc2200", "#00ff88")


def filled(milvus: Milvus, picture) -> ImageLibrary:
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), milvus)
    list(library.add([item(f'{colour}\'s "own".png', picture(colour)) for colour in COLOURS]))
    milvus.close()  # Lite searches what it has just stored without its index, whatever nprobe is
    return library


def printed(answer: Answer, folder: Path, **environment: str) -> list[tuple[str, str]]:
    """Returns the scores and paths that the program prints, run in a folder and an environment of its own."""
    return hits_in(run_forked(["-c", answer.explained.script], folder, clean() | environment))


def clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("MILVUS_", "DATA_DIR"))}


def hits_in(result: subprocess.CompletedProcess[str]) -> list[tuple[str, str]]:
    assert result.returncode == 0, result.stderr
    return re.findall(r"^ *\d+  (-?\d\.\d{6})  (images/\S+)  .+\.png$", result.stdout, flags=re.MULTILINE)


def shown(answer: Answer) -> list[tuple[str, str]]:
    return [(f"{hit.score:.6f}", hit.record.img_path) for hit in answer.hits]


QUERIES = {
    "words": lambda library: Query.of("red", limit=3),
    "exact": lambda library: Query.of("green", limit=6, exact=True),
    "few clusters": lambda library: Query.of("blue", limit=6, nprobe=1),
    "a minimum score": lambda library: Query.of("red", min_score=0.9),
    "like another": lambda library: Query.of(similar_to=library.browse(0, 1)[0].content_id, limit=2),
}


@pytest.mark.process
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_on_lite_it_prints_the_same_hits_once_the_app_is_closed(query, tmp_path, picture):
    library = filled(Milvus(tmp_path / "data" / "milvus.db"), picture)
    answer = library.search(query(library))
    library.close()
    assert shown(answer)
    assert printed(answer, tmp_path) == shown(answer)


@pytest.mark.process
def test_another_interpreter_prints_them_too_and_finds_the_folder_by_its_setting(tmp_path, picture):
    library = filled(Milvus(tmp_path / "data" / "milvus.db"), picture)
    answer = library.search(Query.of("red", limit=3))
    library.close()
    program = tmp_path / "asked again.py"
    program.write_text(answer.explained.script, encoding="utf-8")
    environment = clean() | {"DATA_DIR": str(tmp_path / "data")}
    command = [sys.executable, str(program)]
    result = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, timeout=120)
    assert hits_in(result) == shown(answer)


def test_on_a_server_it_prints_the_same_hits_while_the_app_runs(milvus_server, tmp_path, picture):
    milvus = Milvus(milvus_server.uri, release_after=None)
    library = filled(milvus, picture)
    try:
        for query in QUERIES.values():
            answer = library.search(query(library))
            assert shown(answer)
            assert printed(answer, tmp_path, MILVUS_URI=milvus_server.uri) == shown(answer)
        assert library.status().index.state == "loaded"
        assert library.search(Query.of("red")).hits
    finally:
        milvus.delete([record.img_path for record in library.browse(0, 10)])
        library.close()


def test_what_the_app_had_loaded_stays_loaded_and_what_it_had_not_is_released():
    text = script("c", Question(np.ones(2, np.float32), 1, None, False), 8, server.SCRIPT_OPENING)
    assert text.index("was_loaded =") < text.index("load_collection") < text.index("release_collection")


@pytest.mark.parametrize("uri", ["http://anna:secret@milvus.example:19530?token=hush", Path("/srv/anna/milvus.db")])
def test_no_address_folder_or_password_is_told(uri, tmp_path):
    milvus = Milvus(uri, token="root:secret", db_name="private")
    told = LoadedMilvusCollection(milvus.collection(ColourEncoder.info).handle, 0, Together()).explain(
        Question(np.ones(3, np.float32), 1, 16, False)
    )
    for hidden in ("secret", "hush", "milvus.example", "anna", "private", "/srv"):
        assert hidden not in told.script
    assert "MILVUS_TOKEN" in told.script or "stop the app first" in told.script


def test_the_vector_survives_to_the_last_bit():
    vector = np.random.default_rng(0).standard_normal(512).astype(np.float32)
    text = script("c", Question(vector, 1, None, False), 8, lite.SCRIPT_OPENING)
    assert max(map(len, text.splitlines())) <= 120
    names: dict[str, object] = {}
    start, end = text.index("VECTOR = "), text.index("LIMIT = ")
    exec("import base64, struct\n" + text[start:end], names)
    assert np.array_equal(np.float32(names["VECTOR"]), vector)


def test_a_filter_is_asked_again_as_it_was():
    text = script(
        "c", Question(np.ones(2, np.float32), 1, None, False), 8, lite.SCRIPT_OPENING, filter='name == "it\'s \\\\ \n"'
    )
    compile(text, "program", "exec")
    assert "filter='name == \"it\\'s" in text
