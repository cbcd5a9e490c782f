"""Watches at intervals, and through the worker of the app."""

import pytest

from library.errors import InvalidSelection
from library.ingest.candidates import SETTLED_AFTER
from library.ingest.runs import Worker
from library.ingest.skips import skipped_by_reason
from library.ingest.watch import parse_interval, through
from library.messages import message

# Words


@pytest.mark.parametrize(("text", "seconds"), [("5s", 5), ("2m", 120), ("500ms", 0.5), ("7", 7), ("1.5", 1.5)])
def test_an_interval_is_a_number_with_a_unit(text, seconds):
    assert parse_interval(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0", "-5s", "5 weeks", "nan", "1e9", "9999999h", "٣s"])
def test_an_interval_that_is_none_is_refused(text):
    with pytest.raises(InvalidSelection, match=r"--every .* is not possible: 5s, 2m, 500ms"):
        parse_interval(text)


# Through the app's worker


def test_what_the_app_watches_comes_in_as_runs(folder, watch, library, picture):
    worker = Worker(library)
    folder.files["/a.png"] = picture("red")
    folder.skips = {"/.h": message("hidden_folder")}
    look = watch(add=through(worker, "album"))
    look()
    look.now += SETTLED_AFTER
    [found] = look.watcher.scan()
    assert [(receipt.path, receipt.status) for receipt in found.receipts] == [("/a.png", "new"), ("/.h", "skipped")]
    assert skipped_by_reason(found.receipts) == {"hidden_folder": 1}
    worker.close()


def test_visitors_who_see_a_run_do_not_see_where_the_folder_lies(folder, watch, library, picture):
    worker = Worker(library)
    seen: list[str] = []
    start = worker.start

    def noted(items, source):
        seen.extend([*(item.path for item in items), source])
        return start(items, source)

    worker.start = noted
    folder.files["/a.png"] = picture("red")
    watch(add=through(worker, "album")).twice()
    assert seen == ["pictures/a.png", "album"]
    worker.close()


def test_a_run_that_fails_is_tried_again(folder, watch, library, picture, database):
    worker = Worker(library)
    folder.files["/a.png"] = picture("red")
    look = watch(add=through(worker, "album"))
    database.is_away = True
    assert look.twice() == []
    database.is_away = False
    assert look(60) == [("/a.png", "new")]
    worker.close()
