"""Reads sources of many pictures, which are listed as a run goes."""

import gc
import zipfile
from io import BytesIO
from itertools import count
from threading import Event

import fsspec
import pyarrow
import pyarrow.parquet
import pytest

from db.sources.files import AllowedSources, items_from
from db.sources.tables.items import items_in_table
from library.ingest.items import Item
from library.records import given
from library.running.work import Interrupted, Work, enter

COLOURS = ["red", "green", "blue", "white", "black"]


@pytest.fixture
def table(tmp_path, picture):
    for colour in COLOURS:
        (tmp_path / f"{colour}.png").write_bytes(picture(colour))
    path = tmp_path / "photos.csv"
    path.write_text("\n".join(["filepath,number", *(f"{colour}.png,{n}" for n, colour in enumerate(COLOURS))]) + "\n")
    return path


def parquet(path, rows):
    columns = {"filepath": [f"{n}.png" for n in range(rows)], "number": list(range(rows))}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


def lines(path, rows):
    path.write_text("".join(f'{{"filepath": "{n}.png", "number": {n}}}\n' for n in range(rows)))
    return path


def texts(path, rows):
    path.write_text("filepath,number\n" + "".join(f"{n}.png,{n}\n" for n in range(rows)))
    return path


@pytest.fixture(params=["csv", "jsonl", "parquet"])
def large(request, tmp_path):
    write = {"csv": texts, "jsonl": lines, "parquet": parquet}[request.param]
    return write(tmp_path / f"large.{request.param}", 3_000)


def of_server(table):
    return AllowedSources([str(table.parent)]).items(str(table), "filepath")


@pytest.mark.parametrize("listed", [lambda table: items_from([], table, "filepath"), of_server])
def test_no_further_row_is_read_before_the_first_item_is_asked_for(table, listed):
    items = listed(table)
    with table.open("a") as file:
        file.write("later.png,later\n")
    assert [item.name for item in items] == [*(f"{colour}.png" for colour in COLOURS), "later.png"]


def test_columns_are_what_all_rows_hold_although_they_are_read_one_by_one(table):
    whole = [given(item.metadata) for item in items_in_table(table, "filepath")]
    assert whole == [{"number": number} for number in range(5)]
    with table.open("a") as file:
        file.write("red.png,007\n")
    texts = [given(item.metadata) for item in items_in_table(table, "filepath")]
    assert texts == [{"number": number} for number in ("0", "1", "2", "3", "4", "007")]


def test_a_file_that_is_changed_meanwhile_keeps_its_cells_as_texts(table):
    items = items_in_table(table, "filepath")
    assert next(items).metadata == {"number": 0}
    table.write_text(table.read_text().replace("png,4", "png,four"))
    assert next(items_in_table(table, "filepath")).metadata == {"number": "0"}


def test_the_rows_of_a_table_do_not_lie_in_memory(large):
    gc.collect()
    before = sum(isinstance(each, Item) for each in gc.get_objects())
    most = 0
    for number, _ in enumerate(items_in_table(large, "filepath")):
        if number % 1_000 == 999:
            most = max(most, sum(isinstance(each, Item) for each in gc.get_objects()) - before)
    assert number == 2_999
    assert most <= 2


@pytest.fixture
def stopping():
    """Returns what has the calling thread stop once it was asked so often, and counts how often it was."""

    def stopped(asked):
        times = count(1)
        enter(Work(should_stop=lambda: next(times) > asked))
        return times

    yield stopped
    enter(Work())


@pytest.mark.parametrize("asked", [0, 7, 3_007])
def test_a_table_is_stopped_at_the_next_row(large, stopping, asked):
    times = stopping(asked)
    with pytest.raises(Interrupted):
        list(items_in_table(large, "filepath"))
    assert next(times) == asked + 2


def test_what_is_stopped_while_columns_are_looked_at_leaves_nothing(library, table):
    times = count()
    assert list(library.add(items_in_table(table, "filepath"), lambda: next(times) > 2)) == []
    assert library.status().pictures == 0


def test_the_run_after_one_that_was_stopped_amid_a_table_goes_on(library, table):
    stop = Event()
    added = library.add(items_in_table(table, "filepath"), stop.is_set, batch_size=1)
    first = next(added)
    stop.set()
    before = [first, *added]
    after = list(library.add(items_in_table(table, "filepath")))
    assert [receipt.status for receipt in (*before, *after)].count("new") == library.status().pictures == 5


@pytest.fixture
def bucket(picture):
    files = fsspec.filesystem("memory")
    files.pipe({f"/many/{colour}.png": picture(colour) for colour in COLOURS})
    with zipfile.ZipFile(packed := BytesIO(), "w") as archive:
        for colour in COLOURS:
            archive.writestr(f"{colour}.png", picture(colour))
    files.pipe("/packed/colours.zip", packed.getvalue())
    yield
    files.rm("/many", recursive=True)
    files.rm("/packed", recursive=True)


def test_a_folder_is_stopped_at_the_next_file(table, stopping):
    stopping(2)
    items = AllowedSources([str(table.parent)]).items(str(table.parent))
    assert [next(items).name for _ in range(2)] == ["black.png", "blue.png"]
    with pytest.raises(Interrupted):
        next(items)


@pytest.mark.parametrize("place", ["memory://many", "memory://packed/colours.zip"])
def test_a_bucket_is_stopped_at_the_next_object_and_is_no_failure(bucket, stopping, place):
    stopping(1)
    items = iter(items_from([place], sidecars=False))
    next(items)
    with pytest.raises(Interrupted):
        next(items)
