"""Checks which files go in, and the receipts they leave."""

import csv
import json

import pytest

from library.errors import InvalidSelection
from library.exports.receipt_file import receipt_file
from library.ingest.items import Item
from library.ingest.receipts import FileReceipt
from library.ingest.selection import Selection, Shard
from library.messages import message


def items(count, root="holiday"):
    return [Item(f"/{n}", f"{n}.jpg", bytes, source=f"{root}/2019/{n}.jpg") for n in range(count)]


def test_the_shards_share_all_files_between_them_and_none_twice():
    parts = [[item.name for item in Selection(shard=Shard(n, 8)).of(items(1000))] for n in range(1, 9)]
    assert sorted(name for part in parts for name in part) == sorted(item.name for item in items(1000))
    assert min(map(len, parts)) > 80


def test_a_file_is_in_the_same_shard_wherever_its_folder_lies():
    for shard in (Shard(1, 3), Shard(3, 3)):
        here, there = (Selection(shard=shard).of(items(50, root)) for root in ("holiday", "mounted"))
        assert [item.name for item in here] == [item.name for item in there]


@pytest.mark.parametrize("text", ["0/8", "9/8", "3", "3/", "-1/8", "a/b", "1/0", "٣/8"])
def test_what_is_no_shard_is_explained(text):
    with pytest.raises(InvalidSelection, match="3/8 is the third of eight"):
        Shard.parse(text)


def test_a_limit_does_not_count_what_is_skipped_anyway():
    files = [Item("x", "x.txt", bytes, skip=message("no_picture", formats="")), *items(5)]
    assert [item.name for item in Selection(limit=2).of(files)] == ["x.txt", "0.jpg", "1.jpg"]


def test_nothing_is_listed_beyond_the_limit():
    def endless():
        while True:
            yield from items(3)

    assert len(list(Selection(limit=7).of(endless()))) == 7


def test_metadata_adds_to_what_a_source_knows():
    [item] = Selection(metadata={"album": "holiday"}).of([Item("a", "a", bytes, metadata={"stars": 5, "album": "x"})])
    assert item.metadata == {"stars": 5, "album": "holiday"}


RECEIPTS = [
    FileReceipt("a, b\n.jpg", "new", "0" * 64),
    FileReceipt("caf\udce9.jpg", "rejected", None, message('It says "no".')),
]


def test_receipts_are_on_disk_as_they_are_written(tmp_path):
    with receipt_file(tmp_path / "out.jsonl") as write:
        for number, receipt in enumerate(RECEIPTS, start=1):
            write(receipt)
            lines = (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
            assert len(lines) == number
    first = {"path": "a, b\n.jpg", "status": "new", "content_id": "0" * 64, "reason": None, "near_duplicate_of": None}
    assert json.loads(lines[0]) == first


def test_receipts_as_a_table(tmp_path):
    with receipt_file(tmp_path / "out.csv") as write:
        for receipt in RECEIPTS:
            write(receipt)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == ["a, b\n.jpg", "caf\\udce9.jpg"]
    assert rows[1]["reason"] == 'It says "no".'


@pytest.mark.parametrize(("name", "message"), [("out.txt", ".csv or .jsonl"), ("no/where.csv", "cannot be written")])
def test_a_place_where_no_receipts_can_go_is_named_first(tmp_path, name, message):
    with pytest.raises(InvalidSelection, match=message), receipt_file(tmp_path / name):
        raise AssertionError("never comes here")
