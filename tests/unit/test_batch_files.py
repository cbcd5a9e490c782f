"""Reads many queries from folders and tables, and writes their hits as files."""

import csv
import json
import tracemalloc
from dataclasses import replace
from itertools import islice

import pyarrow
import pyarrow.parquet
import pytest

from db.files.hit_files import hit_file
from db.sources.tables.queries import queries_from
from library.errors import InvalidSelection, UnknownSource
from library.messages import message
from library.ports import Hit
from library.search.batch import BatchResult
from testing.pictures import record

ROWS = [
    {"text": "red, or so", "filepath": "", "note": "1"},
    {"text": "", "filepath": "a b.png", "note": "2"},
    {"text": "blue", "filepath": "a b.png", "note": "3"},
    {"text": " ", "filepath": "", "note": "4"},
    {"text": "007", "filepath": "", "note": "5"},
]


def write_csv(path, delimiter=","):
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, list(ROWS[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(ROWS)


WRITERS = {
    ".csv": write_csv,
    ".tsv": lambda path: write_csv(path, "\t"),
    ".jsonl": lambda path: path.write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8"),
    ".parquet": lambda path: pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), path),
}


@pytest.fixture(params=WRITERS)
def table(request, tmp_path, picture):
    path = tmp_path / f"queries{request.param}"
    WRITERS[request.param](path)
    (tmp_path / "a b.png").write_bytes(picture("red"))
    return path


def queries_of(*arguments):
    return list(queries_from(*map(str, arguments)).queries)


# Queries


def test_a_table_has_a_query_in_every_row(table, picture):
    text, image, both, neither, number = queries_of(table)
    assert (text.name, text.text, text.picture) == ("red, or so", "red, or so", None)
    assert (image.name, image.text, image.picture()) == ("a b.png", "", picture("red"))
    assert (both.name, both.text, both.picture()) == ("blue + a b.png", "blue", picture("red"))
    assert neither.name == f"{table.name}, row 4" and "neither a text nor a picture" in str(neither.problem)
    assert number.text == "007"


def test_a_named_column_is_the_only_one_that_counts(table):
    assert [each.text for each in queries_of(table, "note")] == list("12345")
    assert all(each.picture is None for each in queries_of(table, "note"))


def test_a_missing_column_is_named_with_those_there_are(table):
    with pytest.raises(UnknownSource, match=r"no column caption\. It has text, filepath, note: name one"):
        queries_of(table, "caption")


def test_a_table_without_known_columns_asks_for_their_names(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UnknownSource, match=r"no column text or filepath\. It has a, b: name one with --text-column"):
        queries_of(tmp_path / "x.csv")


@pytest.mark.parametrize("name", ["gone.csv", "broken.parquet", "empty.csv"])
def test_a_table_that_cannot_be_read_gets_one_sentence(tmp_path, name):
    (tmp_path / "broken.parquet").write_text("text")
    (tmp_path / "empty.csv").touch()
    with pytest.raises(UnknownSource, match=name) as raised:
        queries_of(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_a_line_that_cannot_be_read_gets_its_sentence_and_the_rest_is_asked(tmp_path):
    (tmp_path / "broken.jsonl").write_text('{"text": "red"}\n[\n{"text": "blue"}\n')
    red, broken, blue = queries_of(tmp_path / "broken.jsonl")
    assert (red.text, blue.text) == ("red", "blue")
    assert str(broken.problem) == (
        'The line is no JSON: one object on each line is expected, such as {"text": "a beach"}.'
        " Correct it, then try again."
    )
    (tmp_path / "broken.jsonl").write_text("[]\n5\n")
    with pytest.raises(UnknownSource, match=r'such as {"text": "a beach"}'):
        queries_of(tmp_path / "broken.jsonl")


def test_a_text_that_is_none_and_half_a_character_get_their_sentences(tmp_path):
    values = ["5", "false", '{"a": [null]}', "null", r'"\ud83d"', r'"cat \ud83d"', r'"\udc80 x"']
    (tmp_path / "q.jsonl").write_text("\n".join(f'{{"text": {value}}}' for value in values))
    *no_texts, nothing, half, cat, low = queries_of(tmp_path / "q.jsonl")
    assert [str(each.problem) for each in no_texts] == [
        f"A text to search with has to be a string, not {value}." for value in values[:3]
    ]
    assert "neither a text nor a picture" in str(nothing.problem)
    assert half.name == "q.jsonl, row 5"
    for each in (half, cat, low):
        assert each.problem == message("half_a_character") and not each.text


def test_a_path_of_a_query_is_read_as_one_of_an_import(tmp_path, picture):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a b.png").write_bytes(picture("red"))
    address = (tmp_path / "sub" / "a b.png").as_uri()
    (tmp_path / "q.csv").write_text(f"filepath\nsub\\a b.png\n{address}\n")
    for query in queries_of(tmp_path / "q.csv"):
        assert query.picture() == picture("red")


def test_bytes_that_a_table_of_utf8_does_not_have_cost_their_row_alone(tmp_path):
    halves = b"text\n\xed\xa0\xbd\nred\n"
    for data in (halves, halves + "Straße\n".encode() * 9, halves + "Straße\n".encode() * 9 + b"caf\xe9\n"):
        (tmp_path / "q.csv").write_bytes(data)
        half, red, *rest = queries_of(tmp_path / "q.csv")
        assert half.problem == message("half_a_character")
        assert (red.text, half.note, red.note) == ("red", None, None)
        assert {each.text for each in rest[:9]} <= {"Straße"}
    assert str(rest[9].problem).startswith("The row holds bytes that utf-8 does not have.")


def test_the_encoding_of_queries_is_told_with_the_first_and_may_be_named(tmp_path):
    (tmp_path / "q.csv").write_bytes("text\nniño pequeño\nEl señor\n".encode("cp1252"))
    first, second = queries_of(tmp_path / "q.csv")
    assert (first.text, second.text, second.note) == ("niño pequeño", "El señor", None)
    assert str(first.note) == "The table was read as cp1252; --encoding names another."
    first, _ = queries_from(str(tmp_path / "q.csv"), encoding="cp437").queries
    assert first.text == "ni±o peque±o" and "cp437" in str(first.note)
    with pytest.raises(UnknownSource, match="no encoding klingon"):
        queries_from(str(tmp_path / "q.csv"), encoding="klingon")


def test_a_folder_has_a_query_for_every_picture(tmp_path, picture):
    for name in ("b.png", "a.png", "notes.txt", ".hidden.png"):
        (tmp_path / name).write_bytes(picture("blue"))
    queries = queries_from(str(tmp_path))
    assert queries.total == 2
    assert sorted(each.name for each in queries.queries) == [str(tmp_path / "a.png"), str(tmp_path / "b.png")]


def test_a_list_of_texts_and_an_empty_place_are_told_from_tables(tmp_path):
    (tmp_path / "queries.txt").write_text("red\n")
    with pytest.raises(UnknownSource, match=r"queries\.txt is no table that can be read: \.csv"):
        queries_of(tmp_path / "queries.txt")
    with pytest.raises(UnknownSource, match="A source is an empty text"):
        queries_of("")


@pytest.mark.parametrize("arguments", [["nowhere"], [".", "text"]])
def test_what_is_no_source_of_queries_is_told(arguments):
    with pytest.raises(UnknownSource):
        queries_of(*arguments)


def test_a_long_table_is_read_as_it_is_searched(tmp_path):
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write("text\n")
        file.writelines(f"{number} {'word ' * 20}\n" for number in range(100_000))
    tracemalloc.start()
    queries = queries_from(str(path))
    assert [each.text[:2] for each in islice(queries.queries, 2)] == ["0 ", "1 "]
    assert tracemalloc.get_traced_memory()[1] < path.stat().st_size / 4
    tracemalloc.stop()


# Hits

ROME = {"year": 2020, "where": "Rome, Italy"}
HITS = [
    Hit(record(1, metadata=ROME), 0.75),
    Hit(replace(record(2), name="a\nb.png"), -0.25),
]
LINES = [
    ("red", 1, HITS[0].record.content_id, 0.75, 0.25, ROME),
    ("red", 2, HITS[1].record.content_id, -0.25, 1.25, {}),
    ("café", 1, HITS[0].record.content_id, 0.75, 0.25, ROME),
]


def rows_of(path):
    match path.suffix:
        case ".csv":
            with path.open(newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))
        case ".jsonl":
            return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return pyarrow.parquet.read_table(path).to_pylist()


def as_line(row):
    metadata = row["metadata"] if isinstance(row["metadata"], dict) else json.loads(row["metadata"])
    return row["query"], int(row["rank"]), row["content_id"], float(row["score"]), float(row["distance"]), metadata


@pytest.mark.parametrize("name", ["hits.csv", "hits.jsonl", "hits.parquet"])
def test_every_hit_has_its_row(tmp_path, name):
    path = tmp_path / name
    with hit_file(path) as write:
        write(BatchResult("red", HITS))
        write(BatchResult("nothing"))
        write(BatchResult("café", HITS[:1]))
    rows = rows_of(path)
    assert [as_line(row) for row in rows] == LINES
    columns = ["query", "rank", "content_id", "img_path", "name", "score", "distance", "metadata"]
    assert list(rows[0]) == columns


@pytest.mark.parametrize("name", ["hits.csv", "hits.jsonl", "hits.parquet"])
def test_a_file_without_hits_is_whole_and_what_failed_half_way_keeps_its_rows(tmp_path, name):
    with hit_file(tmp_path / name):
        pass
    assert rows_of(tmp_path / name) == []
    with pytest.raises(KeyError), hit_file(tmp_path / name) as write:
        write(BatchResult("red", HITS))
        raise KeyError
    assert len(rows_of(tmp_path / name)) == 2


def test_a_path_that_is_not_text_can_be_written(tmp_path):
    for name in ("hits.csv", "hits.jsonl", "hits.parquet"):
        with hit_file(tmp_path / name) as write:
            write(BatchResult("caf\udce9.png", HITS))
        assert len(rows_of(tmp_path / name)) == 2


def test_what_a_spreadsheet_would_run_stays_text(tmp_path):
    with hit_file(tmp_path / "hits.csv") as write:
        write(BatchResult("=1+1", [Hit(replace(record(1), name="@SUM(A1).png"), 0.5)]))
    [row] = rows_of(tmp_path / "hits.csv")
    assert (row["query"], row["name"], row["score"]) == ("'=1+1", "'@SUM(A1).png", "0.5")


@pytest.mark.parametrize(
    ("name", "sentence"), [("hits.xlsx", "its name has to end in"), ("no/hits.csv", "cannot be written")]
)
def test_a_file_that_cannot_be_is_refused(tmp_path, name, sentence):
    with pytest.raises(InvalidSelection, match=sentence), hit_file(tmp_path / name):
        pass
