"""Reads tables whose rows are pictures."""

import json
import re
import threading
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pyarrow
import pyarrow.parquet
import pytest

from db.sources.files import AllowedSources, items_from
from db.sources.tables.items import items_in_table
from db.sources.tables.parquet import is_folder_of_shards
from db.sources.tables.queries import queries_from
from library.errors import RejectedImage, UnknownSource
from library.ingest.items import total_of
from library.ingest.selection import Selection
from library.records import given
from python_api.sources import Reading, items_of

HEADER = ["filepath", "class", "width", "rating", "sold", "taken", "code", "img_path"]
ROWS = [
    ["a.jpg", "motorbike", "300", "4.5", "true", "2026-01-31 13:00:00+02:00", "007", "mine"],
    ["sub/b.jpg", "ペン", "-20", "3", "False", "2026-02-01T00:00:00Z", "42", ""],
    ["", "nothing", "", "", "", "", "", ""],
]
FIRST = {
    "class": "motorbike",
    "width": 300,
    "rating": 4.5,
    "sold": True,
    "taken": "2026-01-31T11:00:00Z",
    "code": "007",
    "img_path": "mine",
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.jpg").write_bytes(b"a")
    (tmp_path / "sub" / "b.jpg").write_bytes(b"b")
    return tmp_path


def texts(path, delimiter):
    path.write_text("\n".join(delimiter.join(row) for row in [HEADER, *ROWS]) + "\n", "utf-8")
    return path


@pytest.mark.parametrize(("name", "delimiter"), [("photos.csv", ","), ("photos.tsv", "\t"), ("PHOTOS.CSV", ",")])
def test_a_row_of_texts_becomes_a_picture_with_typed_metadata(folder, name, delimiter):
    first, second, third = items_in_table(texts(folder / name, delimiter), "filepath")
    assert (first.read(), second.read()) == (b"a", b"b")
    assert (first.name, second.source) == ("a.jpg", f"{name}/sub/b.jpg")
    assert given(first.metadata) == FIRST
    assert given(second.metadata) == {
        "class": "ペン",
        "width": -20,
        "rating": 3.0,
        "sold": False,
        "taken": "2026-02-01T00:00:00Z",
        "code": "42",
    }
    assert str(third.skip) == "The row names no picture."


def test_lines_of_json_keep_their_own_types(folder):
    lines = [
        {"filepath": "a.jpg", "stars": 5, "code": "007", "tags": ["x", "y"], "nothing": None, "on": "2026-01-31"},
        {"filepath": "sub/b.jpg", "extra": 1.5, "on": "2026-01-31"},
    ]
    (folder / "photos.jsonl").write_text("\n".join(map(json.dumps, lines)))
    first, second = items_in_table(folder / "photos.jsonl", "filepath")
    assert given(first.metadata) == {"stars": 5, "code": "007", "tags": '["x", "y"]', "on": "2026-01-31"}
    assert given(second.metadata) == {"extra": 1.5, "on": "2026-01-31"}


def test_parquet_keeps_its_types_and_times_become_utc(folder):
    tokyo = timezone(timedelta(hours=9))
    columns = {
        "filepath": ["a.jpg", "sub/b.jpg"],
        "taken": [datetime(2026, 1, 31, 9, tzinfo=tokyo), None],
        "day": [date(2026, 1, 31), None],
        "score": [0.5, float("nan")],
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "photos.parquet")
    first, second = items_in_table(folder / "photos.parquet", "filepath")
    assert given(first.metadata) == {"taken": "2026-01-31T00:00:00Z", "day": "2026-01-31", "score": 0.5}
    assert given(second.metadata) == {}


def test_parquet_turns_what_json_lacks_into_numbers_and_texts(folder):
    columns = {
        "filepath": ["a.jpg"],
        "price": pyarrow.array([Decimal("12.50")], pyarrow.decimal128(10, 2)),
        "count": pyarrow.array([Decimal("3")], pyarrow.decimal128(10, 0)),
        "at": [time(1, 2, 3)],
        "took": [timedelta(seconds=90, milliseconds=500)],
        "tags": [["x", "ペン"]],
        "place": [{"name": "sea", "when": date(2026, 1, 31)}],
        "raw": [b"\0\xff"],
        "huge": pyarrow.array([2**64 - 1], pyarrow.uint64()),
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "photos.parquet")
    [item] = items_in_table(folder / "photos.parquet", "filepath")
    assert given(item.metadata) == {
        "price": 12.5,
        "count": 3,
        "at": "01:02:03",
        "took": 90.5,
        "tags": '["x", "ペン"]',
        "place": '{"name": "sea", "when": "2026-01-31"}',
        "huge": "18446744073709551615",
    }
    assert str(item.note) == "Columns of bytes are left out: raw."


def test_bytes_within_other_values_of_parquet_are_left_out_and_named(folder):
    column = {
        "filepath": (["a.jpg"], pyarrow.string()),
        "pages": ([[b"\xff", None]], pyarrow.list_(pyarrow.binary())),
        "by_name": ([[("x", b"1")]], pyarrow.map_(pyarrow.string(), pyarrow.binary())),
        "thumb": ([{"data": b"1", "side": 9}], pyarrow.struct({"data": pyarrow.binary(), "side": pyarrow.int8()})),
        "deep": ([[{"data": b"1"}]], pyarrow.list_(pyarrow.struct({"data": pyarrow.large_binary()}))),
        "raw": ([b"1"], pyarrow.binary()),
    }
    arrays = {name: pyarrow.array(values, kind) for name, (values, kind) in column.items()}
    pyarrow.parquet.write_table(pyarrow.table(arrays), folder / "photos.parquet")
    [item] = items_in_table(folder / "photos.parquet", "filepath")
    assert given(item.metadata) == {"thumb": '{"side": 9}'}
    assert str(item.note) == (
        "Columns of bytes are left out: raw. "
        "Bytes within columns are left out: pages[], by_name[], thumb.data, deep[].data."
    )


def test_a_dataset_in_shards_holds_the_pictures_themselves(folder, picture):
    for shard, (colour, path) in enumerate([("red", "deep/red.png"), ("green", None)]):
        (folder / "dataset" / "train").mkdir(parents=True, exist_ok=True)
        column = [{"bytes": picture(colour), "path": path}, {"bytes": None, "path": None}]
        table = pyarrow.table({"image": column, "label": [shard, 9]})
        pyarrow.parquet.write_table(table, folder / "dataset" / "train" / f"{shard}.parquet")
    red, empty, green, _ = items_in_table(folder / "dataset", "image")
    assert (red.name, red.read(), given(red.metadata)) == ("red.png", picture("red"), {"label": 0})
    assert (green.name, green.read(), given(green.metadata)) == ("dataset 3", picture("green"), {"label": 1})
    assert str(empty.skip) == "The row names no picture."


def test_a_folder_of_nothing_but_shards_is_a_table(folder, picture):
    dataset = folder / "ds"
    (dataset / "data").mkdir(parents=True)
    (dataset / "README.md").write_text("A dataset.")
    table = pyarrow.table({"image": [{"bytes": picture("red"), "path": None}]})
    for number in range(2):
        pyarrow.parquet.write_table(table, dataset / "data" / f"train-0000{number}.parquet")
    assert [item.read() for item in items_of(str(dataset), Reading(image_column="image"))] == 2 * [picture("red")]
    assert [item.read() for item in AllowedSources([str(folder)]).items(str(dataset), "image")] == 2 * [picture("red")]
    assert len(list(queries_from(str(dataset), image_column="image").queries)) == 2
    with pytest.raises(UnknownSource, match=r"ds is a folder of Parquet files\..* --table .*ds, and name their column"):
        items_from([str(dataset)])
    with pytest.raises(UnknownSource, match="--image-column image"):
        items_of(str(dataset), Reading(image_column="filepath"))


def test_a_folder_with_a_picture_beside_shards_is_a_folder(folder, picture):
    pyarrow.parquet.write_table(pyarrow.table({"n": [1]}), folder / "sub" / "1.parquet")
    assert {item.name: item.skip is None for item in items_from([str(folder)])} == {
        "a.jpg": True,
        "1.parquet": False,
        "b.jpg": True,
    }
    assert not is_folder_of_shards(folder)


def test_a_shard_that_leads_out_of_what_is_allowed_costs_its_rows_alone(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "1.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"filepath": ["../a.jpg"]}), elsewhere)
    (folder / "ds").mkdir()
    (folder / "ds" / "1.parquet").symlink_to(elsewhere)
    sources = AllowedSources([str(folder)])
    with pytest.raises(UnknownSource, match=r"1\.parquet of the table cannot be read: .* which SOURCES_ALLOWED names"):
        sources.items(str(folder / "ds"), "filepath")
    pyarrow.parquet.write_table(pyarrow.table({"filepath": ["../a.jpg"]}), folder / "ds" / "2.parquet")
    kept, refused = sources.items(str(folder / "ds"), "filepath")
    assert kept.name == "a.jpg"
    with pytest.raises(RejectedImage, match=r"1\.parquet of the table .* which SOURCES_ALLOWED names"):
        refused.read()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_how_many_rows_a_table_has_is_known_with_the_first_of_them(folder, suffix):
    rows = [{"filepath": "a.jpg", "n": n} for n in range(3)]
    lines = {
        ".csv": "filepath,n\n" + "".join(f"a.jpg,{row['n']}\n" for row in rows),
        ".jsonl": "".join(json.dumps(row) + "\n" for row in rows),
    }
    if suffix in lines:
        (folder / f"t{suffix}").write_text(lines[suffix])
    else:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "t.parquet")
    for items in (
        Selection(metadata={"of": "all"}).of(items_from([], folder / f"t{suffix}", "filepath")),
        AllowedSources([str(folder)]).items(str(folder / f"t{suffix}"), "filepath"),
    ):
        next(items)
        assert total_of(items) == 3


def test_of_a_part_of_a_table_it_is_not_known(folder):
    items = items_in_table(texts(folder / "photos.csv", ","), "filepath")
    selected = Selection(limit=1).of(items)
    next(selected)
    assert total_of(selected) is None


def test_a_path_in_a_table_is_data_and_a_file_address_is_read(folder):
    (folder / "~x.jpg").write_bytes(b"tilde")
    (folder / "with space.jpg").write_bytes(b"space")
    address = (folder / "with space.jpg").as_uri()
    (folder / "photos.csv").write_text(f"filepath\n~x.jpg\n$HOME.jpg\n{address}\n")
    tilde, dollar, space = items_in_table(folder / "photos.csv", "filepath")
    assert (tilde.read(), space.read(), dollar.name) == (b"tilde", b"space", "$HOME.jpg")
    with pytest.raises(FileNotFoundError):
        dollar.read()


def test_a_missing_column_is_answered_with_those_there_are(folder):
    with pytest.raises(UnknownSource, match=r"photos\.csv has no column path\. It has filepath, class, width"):
        items_in_table(texts(folder / "photos.csv", ","), "path")


def test_a_missing_column_is_answered_with_what_helps(folder):
    likely = "name it: --image-column "
    for header, sentence in [
        ("FilePath,a", f"{likely}FilePath"),
        ("a,Image URL", f"{likely}'Image URL'"),
        ("a,b", "Name the one that holds the pictures or says where they are: --image-column NAME"),
        ("photos/a.jpg,1", "Add a header line before it, in which filepath is the column"),
        ("https://host/a,1", "Add a header line before it"),
    ]:
        (folder / "photos.csv").write_text(f"{header}\nx,1\n")
        with pytest.raises(UnknownSource, match=re.escape(sentence)):
            items_in_table(folder / "photos.csv", "filepath")
    pyarrow.parquet.write_table(pyarrow.table({"n": [1], "scan": [b"x"]}), folder / "photos.parquet")
    with pytest.raises(UnknownSource, match=f"{likely}scan"):
        items_in_table(folder / "photos.parquet", "filepath")


def test_what_a_header_says_steers_no_terminal(folder):
    for data in (b"file\x1b[31mpath\x07,x\nq,1\n", b"\xff\xd8\xff\xe0\x07\x08JFIF\xc2\x9b\nq\n"):
        (folder / "photos.csv").write_bytes(data)
        with pytest.raises(UnknownSource) as found:
            items_in_table(folder / "photos.csv", "filepath")
        assert str(found.value).isprintable()
        assert json.dumps(found.value.message.as_json(), ensure_ascii=False).isprintable()


def test_times_of_parquet_are_those_that_are_stored_whatever_their_zone_is_called(folder):
    times = pyarrow.array([0], pyarrow.timestamp("ms", tz="Not/AZone"))
    nested = pyarrow.StructArray.from_arrays([times], names=["at"])
    columns = {
        "filepath": ["a.jpg"],
        "when": times,
        "deep": nested,
        "all": pyarrow.array([[0]], pyarrow.list_(times.type)),
    }
    columns["large"] = pyarrow.LargeListArray.from_arrays(pyarrow.array([0, 1], pyarrow.int64()), nested)
    columns["pair"] = pyarrow.FixedSizeListArray.from_arrays(times, 1)
    columns["named"] = pyarrow.MapArray.from_arrays(pyarrow.array([0, 1], pyarrow.int32()), pyarrow.array(["k"]), times)
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "photos.parquet")
    [item] = items_in_table(folder / "photos.parquet", "filepath")
    epoch = "1970-01-01T00:00:00Z"
    deep = f'{{"at": "{epoch}"}}'
    lists = {"all": f'["{epoch}"]', "large": f"[{deep}]", "pair": f'["{epoch}"]', "named": f'[["k", "{epoch}"]]'}
    assert given(item.metadata) == {"when": epoch, "deep": deep, **lists}


@pytest.mark.parametrize("name", ["photos.jsonl", "photos.parquet", "photos.xlsx", "nowhere.csv"])
def test_what_is_no_table_is_one_sentence(folder, name):
    if name != "nowhere.csv":
        (folder / name).write_bytes(b"no table\n\0")
    with pytest.raises(UnknownSource, match=r"cannot be read|no table that can be read|no line that is a JSON object"):
        items_in_table(folder / name, "filepath")


def test_a_row_whose_file_is_missing_says_so_when_it_is_read(folder):
    (folder / "photos.csv").write_text("filepath\ngone.jpg\n")
    [item] = items_in_table(folder / "photos.csv", "filepath")
    with pytest.raises(FileNotFoundError):
        item.read()


def test_where_an_absolute_path_lies_is_not_told(folder):
    (folder / "photos.csv").write_text(f"filepath\n{folder / 'a.jpg'}\n")
    [item] = items_in_table(folder / "photos.csv", "filepath")
    assert (item.source, item.read()) == ("a.jpg", b"a")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web(folder):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_addresses_are_fetched(folder, web):
    (folder / "photos.csv").write_text(f"url\n{web}/a.jpg?w=300\n{web}/gone.jpg\nhttp://127.0.0.1:9/a.jpg\n")
    found, gone, away = items_in_table(folder / "photos.csv", "url")
    assert (found.name, found.read(), found.source) == ("a.jpg", b"a", f"{web}/a.jpg?w=300")
    with pytest.raises(RejectedImage, match="answers 404"):
        gone.read()
    with pytest.raises(RejectedImage, match="No server answers at this address"):
        away.read()


def test_a_bucket_may_be_named_row_by_row(folder, bucket):
    import fsspec

    fsspec.filesystem("s3", skip_instance_cache=True).pipe_file(f"{bucket}/a.jpg", b"a")
    (folder / "photos.csv").write_text(f"url\n{bucket}/a.jpg\n{bucket}/gone.jpg\n")
    found, gone = items_in_table(folder / "photos.csv", "url")
    assert found.read() == b"a"
    with pytest.raises(OSError, match="does not exist"):
        gone.read()
