"""Checks the table of past runs."""

import pytest

from db.files.run_log import RunLog
from library.errors import IndexUnavailable
from library.history import PastRun
from library.image_library import ImageLibrary
from testing.fakes import ColourEncoder, MemoryDatabase, ready
from testing.pictures import item


@pytest.fixture
def log(tmp_path):
    return RunLog(tmp_path / "data" / "runs.jsonl")


@pytest.fixture
def logged(store, database, log):
    return ImageLibrary(store, ready(ColourEncoder()), database, history=log)


def run(number, **fields):
    return PastRun(
        **{"at": f"2026-01-0{number}T00:00:00Z", "source": "photos", "outcome": "done", "seconds": 2.0, **fields}
    )


def test_runs_come_back_newest_first_from_any_process(log, tmp_path):
    for number in (1, 2, 3):
        log.add(run(number, counts={"new": number}))
    assert RunLog(tmp_path / "data" / "runs.jsonl").newest(2) == [run(3, counts={"new": 3}), run(2, counts={"new": 2})]


def test_without_a_file_there_were_no_runs(log):
    assert log.newest(10) == []


def test_a_line_cut_short_by_a_kill_hides_no_other(log, tmp_path):
    log.add(run(1))
    with (tmp_path / "data" / "runs.jsonl").open("a") as file:
        file.write('{"at": "2026-01\n')
    log.add(run(2))
    assert log.newest(10) == [run(2), run(1)]


def test_a_log_that_cannot_be_written_stops_no_run(tmp_path, caplog):
    (tmp_path / "runs.jsonl").mkdir()
    RunLog(tmp_path / "runs.jsonl").add(run(1))
    assert "could not be noted in runs.jsonl" in caplog.text


def test_the_rate_counts_what_was_looked_at():
    assert run(1, counts={"new": 3, "duplicate": 4, "rejected": 1, "skipped": 50}).rate == 4
    assert run(1, seconds=0).rate == 0


def test_a_run_is_noted_with_what_came_of_it(logged, log, picture):
    items = [item("red.png", picture("red")), item("rot.png", picture("red")), item("x.png", b"text")]
    list(logged.add(items, source="holiday"))
    [past] = log.newest(10)
    assert (past.source, past.outcome, past.problem) == ("holiday", "done", None)
    assert past.counts == {"new": 1, "duplicate": 1, "rejected": 1}
    assert past.seconds > 0 and past.at.endswith("Z")


@pytest.mark.parametrize("listed", [list, iter], ids=["a list", "a stream"])
def test_a_run_that_was_stopped_says_so(logged, log, picture, listed):
    items = [item(f"{number}.png", picture((number, 0, 0))) for number in range(40)]
    list(logged.add(listed(items), should_stop=lambda: True))
    assert log.newest(1)[0].outcome == "stopped"


def test_a_run_that_nobody_followed_to_its_end_was_stopped(logged, log, picture):
    receipts = logged.add([item("red.png", picture("red"))])
    next(receipts)
    receipts.close()
    assert log.newest(1)[0].outcome == "stopped"


class Away(MemoryDatabase):
    def collection(self, encoder):
        collection = super().collection(encoder)

        def refuse(*_):
            raise IndexUnavailable("Milvus does not answer.")

        collection.upsert = refuse
        return collection


def test_a_run_that_failed_says_why(store, log, picture):
    library = ImageLibrary(store, ready(ColourEncoder()), Away(), history=log)
    with pytest.raises(IndexUnavailable):
        list(library.add([item("red.png", picture("red"))]))
    [past] = log.newest(1)
    assert (past.outcome, str(past.problem)) == ("failed", "Milvus does not answer.")


def test_a_dry_run_leaves_no_trace(logged, log, picture):
    list(logged.add([item("red.png", picture("red"))], dry_run=True))
    assert log.newest(1) == []


def test_why_a_run_failed_can_be_said_in_another_language_later(log):
    log.add(run(1, outcome="failed", problem=IndexUnavailable("milvus_loading").message))
    log.add(run(2, outcome="failed", problem="told by an earlier version"))
    earlier, failed = log.newest(9)
    assert earlier.problem == "told by an earlier version"
    assert failed.problem == IndexUnavailable("milvus_loading").message
    assert str(failed.problem).startswith("Milvus answered without any hits")
