"""Holds that tables are read whatever shape their cells have: structs, lists, long numbers, addresses with escapes."""

import json
import math
import uuid
from datetime import datetime, timedelta

import pyarrow
import pyarrow.parquet
import pytest

from db.sources.tables.items import items_in_table
from db.sources.tables.rows import open_table
from library.errors import RejectedImage, UnknownSource
from library.ingest.record_limits import check_metadata
from library.records import given


@pytest.fixture
def folder(tmp_path, picture):
    for name in ("a.png", "b c#1.png", "q?x.png", "pct%20.png", "~$x.png", "é.png"):
        (tmp_path / name).write_bytes(picture("red"))
    return tmp_path


def lines(folder, *rows):
    (folder / "photos.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return list(items_in_table(folder / "photos.jsonl", "filepath"))


def parquet(folder, image, **columns):
    pyarrow.parquet.write_table(pyarrow.table({"image": image, **columns}), folder / "photos.parquet")
    return list(items_in_table(folder / "photos.parquet", "image"))


def test_a_path_is_taken_as_it_is_and_its_name_is_whole(folder):
    names = ["b c#1.png", "q?x.png", "pct%20.png", "~$x.png", "é.png"]
    items = lines(folder, *({"filepath": name} for name in names))
    assert [item.name for item in items] == names
    assert all(item.read() for item in items)


def test_addresses_of_files_have_escapes(folder):
    wanted = [f"{folder.as_uri()}/b%20c%231.png", f"file://localhost{folder}/q%3Fx.png", "file:pct%2520.png"]
    items = lines(folder, *({"filepath": address} for address in [*wanted, f"FILE:{folder}/a.png"]))
    assert [item.name for item in items] == ["b c#1.png", "q?x.png", "pct%20.png", "a.png"]
    assert all(item.read() for item in items)


def test_a_cell_may_be_an_object_with_a_path_or_a_list_of_one(folder):
    struct, one, many, none, number = lines(
        folder,
        {"filepath": {"path": "a.png", "bytes": None}},
        {"filepath": ["a.png"]},
        {"filepath": ["a.png", "a.png"]},
        {"filepath": []},
        {"filepath": 7},
    )
    assert struct.read() == one.read() == (folder / "a.png").read_bytes()
    assert str(none.skip) == "The row names no picture."
    assert number.name == "7"
    with pytest.raises(Exception, match="The row names 2 pictures"):
        many.read()


def test_the_first_row_of_a_dataset_may_lack_its_picture(folder, picture):
    cells = [None, {"bytes": picture("blue"), "path": "x/blue.png"}, {"bytes": None, "path": "a.png"}]
    missing, blue, elsewhere = parquet(folder, pyarrow.array(cells))
    assert (str(missing.skip), blue.name, blue.read()) == ("The row names no picture.", "blue.png", picture("blue"))
    assert elsewhere.read() == (folder / "a.png").read_bytes()


def test_pictures_may_be_bytes_alone_or_in_lists(folder, picture):
    data = picture("green")
    kinds = (pyarrow.binary(), pyarrow.large_binary(), pyarrow.binary(len(data)))
    for column in (*(pyarrow.array([data], kind) for kind in kinds), pyarrow.array([[{"bytes": data, "path": None}]])):
        [item] = parquet(folder, column)
        assert (item.name, item.read()) == ("photos 1", data)


def test_a_list_within_a_list_is_no_path_and_says_so(folder):
    for cell in ([["a.png"]], {"path": ["a.png"]}, True):
        with pytest.raises(RejectedImage, match=r"The column filepath holds .*, where the path or address of one"):
            lines(folder, {"filepath": cell})[0].read()


def test_a_nul_is_refused_however_deep_it_lies(folder):
    for value in ("\0", ["\0"], {"a": {"b\0": 1}}, {"a": "\\\0"}):
        with pytest.raises(RejectedImage, match="The metadata field note holds text that cannot be kept"):
            check_metadata(lines(folder, {"filepath": "a.png", "note": value})[0].metadata)
    [kept] = lines(folder, {"filepath": "a.png", "note": ["\\u0000"]})
    assert kept.metadata["note"] == '["\\\\u0000"]'


def test_a_number_that_cannot_be_kept_is_refused_however_deep_it_lies(folder):
    for value in ("[1e999]", '{"c": -Infinity}', '[{"b": [1, [1e999]]}]', "[18446744073709551616]", '{"a": -1e999}'):
        (folder / "photos.jsonl").write_text(
            f'{{"filepath": "a.png", "note": {value}}}\n{{"filepath": "a.png", "note": [1]}}'
        )
        refused, kept = items_in_table(folder / "photos.jsonl", "filepath")
        with pytest.raises(RejectedImage, match=r"field note holds a (number that is not|whole number of)"):
            check_metadata(refused.metadata)
        assert kept.metadata["note"] == "[1]"
    infinite, empty, large = parquet(folder, ["a.png"] * 3, note=[[math.inf], [math.nan], [1.5]])
    with pytest.raises(RejectedImage, match="The metadata field note holds a number that is not finite"):
        check_metadata(infinite.metadata)
    assert (empty.metadata["note"], large.metadata["note"]) == ("[null]", "[1.5]")
    unsigned = pyarrow.array([{"n": [2**64 - 1, 7]}], pyarrow.struct([("n", pyarrow.list_(pyarrow.uint64()))]))
    assert parquet(folder, ["a.png"], note=unsigned)[0].metadata["note"] == '{"n": ["18446744073709551615", 7]}'


def test_long_ids_are_texts_in_every_row_of_their_column(folder):
    first, second, third = lines(
        folder, *({"filepath": "a.png", "id": id, "n": 2**53 - 1} for id in (1234567890123456789, 7, 2**64))
    )
    assert given(first.metadata) == {"id": "1234567890123456789", "n": 2**53 - 1}
    assert (second.metadata["id"], third.metadata["id"]) == ("7", 2**64)


def test_times_that_no_calendar_has_cost_their_row_alone(folder, library, picture):
    when = pyarrow.array([0, 2**62, 60], pyarrow.int64()).view(pyarrow.timestamp("ms", "UTC"))
    cells = pyarrow.array([{"bytes": picture(colour), "path": None} for colour in ("red", "green", "blue")])
    receipts = list(library.add(parquet(folder, cells, when=when)))
    assert [receipt.status for receipt in receipts] == ["new", "rejected", "new"]
    assert "The column when holds a date" in str(receipts[1].reason)


def test_columns_of_parquet_without_a_name_or_of_one_name_are_told_apart(folder):
    table = pyarrow.Table.from_arrays([pyarrow.array([each]) for each in ("a.png", 1, 2, 3)], ["image", "n", "n", ""])
    pyarrow.parquet.write_table(table, folder / "photos.parquet")
    [item] = items_in_table(folder / "photos.parquet", "image")
    assert given(item.metadata) == {"n": 1, "n 2": 2, "column 4": 3}


def test_keys_of_json_without_a_name_are_told_apart(folder):
    [item] = lines(folder, {"filepath": "a.png", "": 1, " ": 2, "unnamed": 3, "unnamed 3": 4, "\t": 5})
    named = {"unnamed 2": 1, "unnamed 4": 2, "unnamed": 3, "unnamed 3": 4, "unnamed 5": 5}
    assert given(item.metadata) == named


def test_parquet_whose_footer_is_damaged_is_to_be_copied_again(folder):
    parquet(folder, ["a.png"], caption=["x"])
    path = folder / "photos.parquet"
    sound = path.read_bytes()
    begins = len(sound) - 8 - int.from_bytes(sound[-8:-4], "little")
    path.write_bytes(sound[:begins] + b"\xff" * 16 + sound[begins + 16 :])
    with pytest.raises(UnknownSource, match=r"photos.parquet cannot be read as a table: the file is damaged"):
        items_in_table(path, "image")


def test_a_kind_of_value_that_json_has_not_is_kept_as_its_text(folder):
    id = uuid.UUID("12345678-1234-5678-1234-567812345678")
    ids = pyarrow.array([id.bytes], pyarrow.uuid())
    [item] = parquet(folder, ["a.png"], id=ids, nested=[[{"at": "x"}]])
    assert item.metadata["id"] == str(id)


def test_nanoseconds_are_read_without_pandas_which_a_running_app_leaves_out(folder):
    moment = pyarrow.array([1_704_067_200_123_456_789])
    parquet(folder, ["a.png"], at=moment.cast(pyarrow.timestamp("ns")), lasts=moment.cast(pyarrow.duration("ns")))
    [row] = open_table(folder / "photos.parquet").rows()
    assert (type(row["at"]), type(row["lasts"])) == (datetime, timedelta)
