"""Checks what the log says, and that it says it in one line."""

import logging
import os
import sys

import pytest
from pymilvus.settings import init_log

from db.milvus.connection import Connection
from db.milvus.database import Milvus
from db.milvus.lite import Lite
from db.milvus.server import without_login
from library.errors import IndexUnavailable, UnknownSource
from library.ingest.runs import Worker
from library.messages import message
from library.running.private import Private
from library.running.work import working_for
from library.search.query import Query
from runtime import OF_LIBRARY, OF_PAGE, QUIET, ROOMS, OneLine, adopt, prepare_environment, set_level
from testing.fakes import ColourEncoder
from testing.pictures import item, record, unit_vectors

FORGED = "a.png\n2026-01-01 ERROR likeness: forged\r\x1b[2J\u202e"


@pytest.fixture(autouse=True)
def levels():
    names = ["", *ROOMS, *QUIET]
    before = {name: logging.getLogger(name).level for name in names}
    set_level("debug")
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def lines(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.split(".")[0] in ROOMS]


def entry(message: str, *arguments: object, exc_info: object = None) -> logging.LogRecord:
    return logging.LogRecord("ui", logging.INFO, "", 0, message, arguments, exc_info)


def test_a_message_is_one_line_whatever_it_holds():
    shown = OneLine("%(message)s").format(entry("deleted %s", FORGED))
    assert shown == r"deleted a.png\n2026-01-01 ERROR likeness: forged\r\x1b[2J\u202e"


def test_a_traceback_cannot_pass_for_an_event():
    try:
        raise ValueError(FORGED)
    except ValueError:
        shown = OneLine("%(message)s").format(entry("failed", exc_info=sys.exc_info())).splitlines()
    assert shown[0] == "failed"
    assert all(line.startswith("    ") for line in shown[1:])


def test_a_library_sets_no_variable_of_the_page_and_no_level_that_is_set(monkeypatch):
    for name in OF_LIBRARY | OF_PAGE:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    logging.getLogger("httpx").setLevel(logging.DEBUG)
    prepare_environment()
    assert OF_LIBRARY.items() <= os.environ.items() and not OF_PAGE.keys() & os.environ.keys()
    assert logging.getLogger("httpx").level == logging.DEBUG


@pytest.mark.parametrize(("level", "ours", "theirs"), [("debug", 10, 30), ("info", 20, 30), ("error", 40, 40)])
def test_a_level_is_for_the_rooms_and_others_speak_from_warnings_on(level, ours, theirs):
    set_level(level)
    assert logging.getLogger("db.milvus.lease").getEffectiveLevel() == ours
    assert logging.getLogger("somebody").getEffectiveLevel() == theirs


def test_what_pymilvus_raises_it_does_not_log_too(tmp_path, monkeypatch):
    init_log("WARNING")  # as its import does
    monkeypatch.setattr(Lite, "connect", lambda lite: None)
    Connection(Lite(tmp_path / "milvus.db")).client()
    assert not logging.getLogger("pymilvus.decorators").isEnabledFor(logging.ERROR)


def test_an_adopted_logger_speaks_like_the_others(caplog):
    theirs = logging.getLogger("theirs")
    theirs.addHandler(logging.StreamHandler())
    theirs.propagate = False
    adopt("theirs")
    theirs.warning("heard")
    assert theirs.handlers == [] and "heard" in caplog.text


def test_an_upload_says_that_it_begins_and_how_it_ends(library, picture, caplog):
    worker = Worker(library)
    worker.start([item("a.png", picture("red")), item("b.png", b"text")]).over.wait(20)
    worker.close()
    began, ended = (line for line in lines(caplog) if line.startswith("upload"))
    assert began.endswith("started, 2 files")
    assert ended.endswith("1 new, 0 updated, 0 duplicate, 1 rejected, 0 skipped")


def test_a_search_is_told_at_debug_without_its_words(library, picture, caplog):
    list(library.add([item("red.png", picture("red"))]))
    library.search(Query.of("red secret"))
    [line] = [line for line in lines(caplog) if line.startswith("search")]
    assert line.startswith("search: 1 hits, encode")
    assert "secret" not in caplog.text


def test_a_deletion_is_told(library, picture, caplog):
    [receipt] = library.add([item("red.png", picture("red"))])
    library.delete([receipt.content_id])
    [told] = [each for each in caplog.records if each.msg.startswith("deleted")]
    assert OneLine("%(message)s").format(told) == f"deleted {receipt.content_id}, …"
    with_names = OneLine("%(message)s")
    with_names.with_names = True
    assert with_names.format(told) == f"deleted {receipt.content_id}, red.png"


def test_errors_and_their_tracebacks_name_no_file_and_repeat_no_words():
    word = "".join(["se", "cret"])  # the lines of the code itself are shown

    def failing():
        try:
            raise FileNotFoundError(2, "No such file or directory", f"/photos/{word}.jpg")
        except OSError as error:
            raise ValueError(f'could not read {word!r} or "{word}\'s" here') from error

    try:
        failing()
    except ValueError as error:
        caught = error
    away = UnknownSource("no_such_place", source=word)
    told = [away, str(away), caught, caught.__cause__, Private(word), message("gone"), 3]
    entries = [entry("failed: %s", each, exc_info=(type(caught), caught, caught.__traceback__)) for each in told]
    shown = "".join(map(OneLine().format, entries))
    assert word not in shown and "could not read … here" in shown and "No such file or directory" in shown
    assert "ValueError" in shown and "failing()" in shown


def test_a_line_says_for_which_request_or_run_it_was_written(library, picture):
    with working_for("r-1"):
        assert " ui [r-1]: deleted" in OneLine().format(entry("deleted"))
        job = Worker(library).start([item("a.png", picture("red"))])
    assert " ui: deleted" in OneLine().format(entry("deleted"))
    assert job.begun_by == "r-1" and job.over.wait(20)


def test_loads_and_releases_are_told(tmp_path, caplog):
    milvus = Milvus(tmp_path / "milvus.db", release_after=0)
    collection = milvus.collection(ColourEncoder().info)
    collection.upsert([record(1)], unit_vectors(1, 3))
    with collection.loaded():
        pass
    milvus.close()
    assert [line.split(": ")[1] for line in lines(caplog) if line.startswith("collection")] == ["loaded", "released"]


def test_a_milvus_that_is_away_is_told_once_and_once_it_is_back(caplog):
    milvus = Milvus("http://name:secret@127.0.0.1:9?token=secret")
    for _ in range(3):
        with pytest.raises(IndexUnavailable) as raised, milvus.connection.explained():
            raise OSError("nobody there")
        assert "secret" not in str(raised.value)
    for _ in range(3):
        with milvus.connection.explained():
            pass
    away, back = (line for line in lines(caplog) if line.startswith("Milvus is"))
    assert "http://127.0.0.1:9 does not answer" in away
    assert back == "Milvus is back"
    assert "secret" not in " ".join(lines(caplog))


def test_an_address_is_shown_without_its_login():
    assert without_login("https://me:p@ss@host:19530/db?token=x") == "https://host:19530/db"
    assert without_login("http://host:19530") == "http://host:19530"
