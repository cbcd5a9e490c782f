"""Holds for any table at all: none ends a run, every row gets one receipt, neighbours go in, a re-run changes nothing.

HYPOTHESIS_PROFILE=more pytest tests/unit/test_any_table.py -n0 -s tries many more and prints what became of the rows.
"""

import codecs
import csv
import io
import json
import os
from collections import Counter
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from db.sources.tables.items import items_in_table
from library.errors import LikenessError
from library.image_library import ImageLibrary
from library.ingest.record_limits import check_record
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.properties import EXAMPLES

GOOD = ("red.png", "green.png", "blue.png")
PATHS = (
    *GOOD,
    "gone.png",
    "notes.txt",
    "",
    " ",
    ".",
    "..",
    "~",
    "$HOME",
    "a\0b",
    "\ud83d.png",
    "\udcff.png",
    "x" * 300,
)
PLACES = (*PATHS, "file:red.png", "file://[", "nope://x", "zip://x", "dir://x", "://", "d/" * 3000, "a.zip/b.png")
ODD_TEXTS = (
    "",
    "007",
    "1.10",
    "1E5",
    "9" * 25,
    "-0.0",
    "nan",
    "true",
    "2026-02-30",
    "0001-01-01T00:00:00+14:00",
    "\ud83d",
)
TEXT = st.sampled_from(ODD_TEXTS) | st.text(max_size=12) | st.text(st.characters(codec=None), max_size=4)
PLACE = st.sampled_from(PLACES)
LONG = "(70 kB)"  # stands for so many, which would fill the report of a failure
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.just(LONG),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)
DEEP = "[" * 2000 + "]" * 2000


@pytest.fixture(scope="module")
def tables(tmp_path_factory, picture):
    """Yields what imports a table twice and checks its receipts; in the end it prints what became of all rows."""
    folder = tmp_path_factory.mktemp("tables")
    for name in GOOD:
        (folder / name).write_bytes(picture(name.removesuffix(".png")))
    (folder / "notes.txt").write_text("no picture")
    tables = Tables(folder)
    yield tables
    print(f"\n{tables.counts.total()} rows and tables: {dict(sorted(tables.counts.items()))}")


class Tables:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.counts: Counter[str] = Counter()

    def tried(self, data: bytes, suffix: str, column: str = "filepath") -> list[str] | None:
        """Returns the statuses of the rows; None for a table that is refused as a whole, before anything is added."""
        path = self.folder / f"photos{suffix}"
        path.write_bytes(data.replace(LONG.encode(), b"x" * 70_000))
        library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
        try:
            items, again = (list(items_in_table(path, column)) for _ in range(2))
        except LikenessError as error:
            assert str(error)
            self.counts["table refused"] += 1
            return None
        first, second = list(library.add(items)), list(library.add(again))
        assert [each.path for each in first] == [item.path for item in items]
        assert [each.path for each in second] == [item.path for item in items]
        statuses = [each.status for each in first]
        assert [each.status for each in second] == ["duplicate" if each == "new" else each for each in statuses]
        for receipt in first:
            assert receipt.status in ("new", "duplicate") or str(receipt.reason)
        for record in library.browse(0, 100):
            check_record(record)
        self.counts.update(statuses)
        return statuses


HEADER = st.lists(st.sampled_from(["", "a", "a", "b,c", "tag", "filepath", "ü"]) | TEXT, max_size=4)


@EXAMPLES
@given(
    header=HEADER,
    rows=st.lists(st.tuples(PLACE, st.lists(TEXT, max_size=5)), max_size=6),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp949"]),
)
def test_rows_of_any_texts(tables, header, rows, delimiter, encoding):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["filepath", "b", *header])  # else nothing would tell what stands between the cells
    writer.writerows([place, *cells] for place, cells in rows)
    writer.writerow(["red.png"])
    statuses = tables.tried(text.getvalue().encode(encoding, "replace"), ".csv")
    assert statuses is None or statuses[-1] in ("new", "duplicate")


@EXAMPLES
@given(
    lines=st.lists(st.dictionaries(TEXT, VALUE, max_size=3) | VALUE | st.sampled_from(["{", DEEP]), max_size=6),
    place=PLACE,
)
def test_lines_of_any_json(tables, lines, place):
    written = [each if isinstance(each, str) and each[:1] in "{[" else json.dumps(each) for each in lines]
    placed = json.dumps({"filepath": place, "deep": [1]})
    statuses = tables.tried(
        "\n".join(['{"filepath": "red.png"}', *written, placed, '{"filepath": "blue.png"}']).encode(), ".jsonl"
    )
    assert statuses and statuses[0] == "new" and statuses[-1] in ("new", "duplicate")


@EXAMPLES
@given(given_place=VALUE, caption=VALUE)
def test_any_value_as_a_path(tables, given_place, caption):
    lines = [{"filepath": "red.png"}, {"filepath": given_place, "caption": caption}, {"filepath": "green.png"}]
    statuses = tables.tried("\n".join(map(json.dumps, lines)).encode(), ".jsonl")
    assert statuses and (statuses[0], statuses[-1]) == ("new", "new")


OF_64_BITS = (
    *(pyarrow.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "Asia/Seoul", "UTC")),
    *(pyarrow.duration(unit) for unit in ("s", "ms", "us", "ns")),
    *(
        pyarrow.date64(),
        pyarrow.time64("us"),
        pyarrow.time64("ns"),
        pyarrow.uint64(),
        pyarrow.int64(),
        pyarrow.float64(),
    ),
)
LARGE = st.integers(-(2**63), 2**63 - 1)


@st.composite
def columns(draw):
    """Draws a column of three cells of any type."""
    kind = draw(st.sampled_from(["bits", "text", "bytes", "decimal", "list", "struct", "dictionary", "large", "none"]))
    cells = draw(st.lists(st.none() | LARGE, min_size=3, max_size=3))
    numbers = pyarrow.array(cells, pyarrow.int64())
    texts = [None if each is None else str(each) for each in cells]
    match kind:
        case "bits":
            return numbers.view(draw(st.sampled_from(OF_64_BITS)))
        case "text":
            raw = pyarrow.array([draw(st.binary(max_size=6)) for _ in cells], pyarrow.binary())
            return pyarrow.Array.from_buffers(pyarrow.string(), 3, raw.buffers())  # no UTF-8
        case "bytes":
            return pyarrow.array([draw(st.binary(max_size=6)) for _ in cells])
        case "decimal":
            return numbers.cast(pyarrow.decimal128(38, 0)).view(pyarrow.decimal128(38, draw(st.integers(0, 38))))
        case "list":
            return pyarrow.array([[each] for each in cells], pyarrow.list_(pyarrow.int64()))
        case "struct":
            return pyarrow.array([{"bytes": b"x", "path": each, "at": {"deep": [each]}} for each in texts])
        case "dictionary":
            return pyarrow.array(texts).dictionary_encode()
        case "large":
            return pyarrow.array(texts, pyarrow.large_string())
    return pyarrow.nulls(3)


@EXAMPLES
@given(
    found=st.lists(columns(), max_size=4),
    names=st.lists(TEXT.filter(str.isprintable), min_size=4, max_size=4),
    place=PLACE,
)
def test_columns_of_any_type(tables, found, names, place):
    places = pyarrow.array(["red.png", place.encode("utf-8", "replace").decode(), "blue.png"])
    headings = [name.encode("utf-8", "replace").decode() for name in names[: len(found)]]
    statuses = tables.tried(parquet([places, *found], ["filepath", *headings]), ".parquet")
    assert statuses is None or len(statuses) == 3


def parquet(arrays, names):
    sink = io.BytesIO()
    try:
        pyarrow.parquet.write_table(pyarrow.Table.from_arrays(arrays, names=names), sink)
    except pyarrow.ArrowException:  # of what Parquet has no place for
        reject()
    return sink.getvalue()


def samples(picture):
    rows = [["filepath", "caption"], *([name, "x" * 40] for name in GOOD)]
    text = "\n".join(map(",".join, rows)).encode()
    lines = "\n".join(json.dumps({"filepath": name, "caption": ["x"]}) for name in GOOD).encode()
    pictures = [{"bytes": picture("red"), "path": "red.png"}, None, {"bytes": picture("blue"), "path": None}]
    return {
        ".csv": text,
        ".tsv": text.replace(b",", b"\t"),
        ".jsonl": lines,
        ".parquet": parquet([pyarrow.array(GOOD), pyarrow.array([1, 2, 3])], ["filepath", "n"]),
        "-pictures.parquet": parquet([pyarrow.array(pictures), pyarrow.array([1, 2, 3])], ["filepath", "n"]),
    }


@EXAMPLES
@given(
    suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet", "-pictures.parquet"]),
    damage=st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=3)), min_size=1, max_size=6),
    cut=st.integers(0, 1 << 16),
)
def test_a_table_with_damaged_bytes(tables, picture, suffix, damage, cut):
    data = bytearray(samples(picture)[suffix])
    for place, raw in damage:
        start = place % len(data)
        data[start : start + len(raw)] = raw
    tables.tried(bytes(data) if cut % 3 else bytes(data[: cut % len(data)]), suffix)


@EXAMPLES
@given(
    data=st.binary(max_size=200),
    suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet"]),
    mark=st.sampled_from([b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE]),
)
def test_any_bytes(tables, data, suffix, mark):
    tables.tried(mark + b"filepath,a\nred.png,1\n" + data, suffix)


def test_a_folder_of_shards_is_read_whatever_one_of_them_is(tables, picture):
    shards = samples(picture)
    folder = tables.folder / "dataset"
    for name, data in {
        "0": shards["-pictures.parquet"],
        "1": b"PAR1damaged",
        "2": shards["-pictures.parquet"][:-30],
    }.items():
        (folder / "train" / f"{name}.parquet").parent.mkdir(parents=True, exist_ok=True)
        (folder / "train" / f"{name}.parquet").write_bytes(data)
    empty = pyarrow.table({"filepath": pyarrow.array([], pyarrow.string())})
    pyarrow.parquet.write_table(empty, folder / "train" / "3.parquet")
    os.mkfifo(folder / "train" / "4.parquet")
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
    receipts = list(library.add(items_in_table(folder, "filepath")))
    assert [each.status for each in receipts] == ["new", "skipped", "new", "rejected", "rejected", "rejected"]
    assert all("of the table cannot be read" in str(each.reason) for each in receipts[-3:])
