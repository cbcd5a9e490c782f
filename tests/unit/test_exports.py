"""Exports results as CSV, JSON and a zip of originals: the files, and the route that serves them."""

import csv
import json
from dataclasses import replace
from io import BytesIO, StringIO
from urllib.parse import urlencode
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from library.errors import InvalidContentId, InvalidSelection, NotAllowed, StoreUnavailable, UnknownPicture
from library.exports.results import (
    COLUMNS,
    MOST_BYTES,
    MOST_COLUMNS,
    MOST_RESULTS,
    Result,
    check_size,
    results_of,
    without_formula,
    written,
)
from library.images import content_id
from library.ports import Hit
from library.search.query import Answer, Timings
from library.search.relevance import Relevance
from testing.fakes import MemoryStore
from testing.pictures import item, record
from ui.handlers.exports import MAX_BODY, PREFIX, export_routes
from ui.handlers.removal import remove_all

NO_PICTURE = "0" * 64
ROME = {"year": 2020, "where": "Rome, Italy", "name": "of the user's own", "tags": ["a", "b"]}


def no_original(id):
    raise AssertionError("no file of figures needs an original")


def table(data):
    return list(csv.DictReader(StringIO(data.decode("utf-8-sig"), newline="")))


def as_csv(*results):
    return table(b"".join(written("csv", results, no_original)))


def as_json(*results):
    return json.loads(b"".join(written("json", results, no_original)))


# Rows


def test_an_answer_becomes_rows_with_its_own_figures():
    hits = [Hit(record(1, metadata=ROME), 0.75, 25), Hit(record(2), -0.25, 26)]
    relevance = {hits[0].record.content_id: Relevance("likely", 2.5, 99.0)}
    answer = Answer(hits, Timings(1, 1, 1, 3), relevance=relevance)
    first, second = as_csv(*results_of(answer))
    assert first == {
        "rank": "25",
        "content_id": hits[0].record.content_id,
        "name": "1.png",
        "score": "0.75",
        "distance": "0.25",
        "relevance": "likely",
        "width": "40",
        "height": "30",
        "format": "PNG",
        "added": "2026-01-01T00:00:00.000000Z",
        "source": "test",
        "year": "2020",
        "where": "Rome, Italy",
        "metadata.name": "of the user's own",
        "tags": '["a", "b"]',
    }
    assert (second["rank"], second["distance"], second["relevance"], second["where"]) == ("26", "1.25", "", "")


def test_json_has_the_same_fields_and_metadata_as_they_are():
    [row] = as_json(Result(record(1, metadata=ROME), 1, 0.5))
    assert list(row) == [*COLUMNS, "metadata"]
    assert row["metadata"] == ROME and row["relevance"] is None and row["score"] == 0.5


def test_without_a_search_there_are_no_figures():
    assert as_json(Result(record(1)))[0]["score"] is None
    assert as_csv(Result(record(1)))[0]["distance"] == ""


def test_files_without_results_are_whole():
    assert as_csv() == [] and as_json() == []


def test_many_kinds_of_metadata_share_a_column():
    metadata = {f"field {number}": number for number in range(MOST_COLUMNS + 1)}
    [row] = as_csv(Result(record(1, metadata=metadata)))
    assert list(row) == [*COLUMNS, "metadata"]
    assert json.loads(row["metadata"]) == metadata


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1", "-", "+1 2", "=cmd\n"]
)
def test_what_a_spreadsheet_would_run_stays_text(text):
    metadata = {text: text}
    [row] = as_csv(Result(record(1, name=text, source=text, metadata=metadata)))
    assert row["name"] == row["source"] == row[f"'{text}"] == f"'{text}"


@pytest.mark.parametrize("text", ["-5", "+49", "-0.25", "-1e-3", "-1,5", "a=b", "2-3", "", "'=1"])
def test_numbers_and_plain_texts_stay_as_they_are(text):
    assert without_formula(text) == text


@given(st.text())
def test_no_cell_begins_a_formula(text):
    cell = without_formula(text)
    assert not cell.startswith(("=", "@", "\t", "\r"))
    if cell.startswith(("+", "-")):
        float(cell.replace(",", "."))


@given(st.text(st.characters(exclude_categories=()), max_size=20))
def test_any_text_can_be_written(text):
    result = Result(record(1, metadata={"note": text}))
    assert as_csv(result) and as_json(result)


# How much


def test_too_many_pictures_are_refused():
    results = [Result(record(1))] * (MOST_RESULTS + 1)
    check_size(results[1:], "zip")
    with pytest.raises(InvalidSelection, match=r"2,001 pictures are chosen: at most 2,000 are possible"):
        check_size(results, "csv")


def test_too_many_bytes_are_refused_where_originals_are_meant():
    huge = [Result(record(1, bytes=MOST_BYTES // 2)), Result(record(2, bytes=MOST_BYTES))]
    check_size(huge, "csv")
    with pytest.raises(InvalidSelection, match=r"have 6\.0 GB: 4 GB fit in one zip"):
        check_size(huge, "zip")


# The route


@pytest.fixture
def client(library):
    return TestClient(Starlette(routes=export_routes(library)))


@pytest.fixture
def filled(library, picture):
    """Fills the library with a red, a green and a blue picture and returns their bytes by ID."""
    pictures = {colour: picture(colour) for colour in ("red", "green", "blue")}
    found = [item(f"{colour}.png", data, metadata={"colour": colour}) for colour, data in pictures.items()]
    list(library.add(found))
    return {content_id(data): data for data in pictures.values()}


def take(client, kind, rows):
    return client.post(f"{PREFIX}/{kind}", data={"rows": json.dumps(rows)})


def of(ids):
    return [{"id": id, "rank": rank, "score": 1 / rank, "relevance": "likely"} for rank, id in enumerate(ids, 1)]


def test_figures_are_those_of_the_answer_and_the_rest_is_the_library_s(client, filled):
    ids = list(filled)[1:]
    response = take(client, "csv", [{**row, "name": "forged", "width": 9} for row in of(ids)])
    assert response.headers["content-disposition"] == 'attachment; filename="likeness-2-results.csv"'
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.content.startswith(b"\xef\xbb\xbf")
    rows = table(response.content)
    assert [(row["rank"], row["score"], row["name"], row["width"], row["colour"]) for row in rows] == [
        ("1", "1.0", "green.png", "40", "green"),
        ("2", "0.5", "blue.png", "40", "blue"),
    ]


def test_json_comes_without_a_mark(client, filled):
    response = take(client, "json", [{"id": id} for id in filled])
    assert response.headers["content-disposition"] == 'attachment; filename="likeness-3-pictures.json"'
    assert [row["content_id"] for row in response.json()] == list(filled)


def test_a_zip_holds_the_originals(client, filled):
    response = take(client, "zip", of(filled))
    with ZipFile(BytesIO(response.content)) as file:
        assert file.testzip() is None
        assert file.namelist() == ["red.png", "green.png", "blue.png"]
        assert [file.read(name) for name in file.namelist()] == list(filled.values())


@pytest.mark.parametrize("nonsense", [True, "1", -1, 10**12, 1.5, [], {}, None])
def test_figures_that_no_answer_has_are_left_out(client, filled, nonsense):
    [id, *_] = filled
    [row] = take(client, "json", [{"id": id, "rank": nonsense, "score": [nonsense], "relevance": nonsense}]).json()
    assert row["rank"] is row["score"] is row["relevance"] is None


def test_a_picture_asked_for_twice_comes_once(client, filled):
    [id, *_] = filled
    assert len(take(client, "json", of([id, id])).json()) == 1


def test_a_picture_deleted_meanwhile_is_told_in_the_zip_and_left_out_elsewhere(client, library, filled):
    gone, *there = filled
    rows = of(filled)
    library.delete([gone])
    assert [row["content_id"] for row in take(client, "json", rows).json()] == there
    with ZipFile(BytesIO(take(client, "zip", rows).content)) as file:
        assert file.namelist() == ["green.png", "blue.png", "MISSING.txt"]
        assert f"{gone}: This picture is no longer in the library." in file.read("MISSING.txt").decode()
    library.delete(there)
    response = take(client, "zip", rows)
    assert response.status_code == 404
    assert response.text.startswith("None of these 3 pictures is in the library any longer.")


@pytest.mark.parametrize(
    ("rows", "code", "sentence"),
    [
        ([], 422, "No picture is selected"),
        ({"id": NO_PICTURE}, 422, "No picture is selected"),
        ([{"id": "../../etc/passwd"}], 404, "is not a content ID"),
        ([None], 404, "is not a content ID"),
        ([{"id": [1]}], 404, "is not a content ID"),
        ([{"id": NO_PICTURE}], 404, "no longer in the library"),
        ([{"id": NO_PICTURE}] * (MOST_RESULTS + 1), 422, "2,001 pictures are chosen"),
    ],
    ids=str,
)
def test_what_cannot_be_taken_along_gets_one_sentence(client, filled, rows, code, sentence):
    response = take(client, "csv", rows)
    assert response.status_code == code and sentence in response.text and "\n" not in response.text
    assert "sandbox" not in response.headers["content-security-policy"]  # the page could not read it


@pytest.mark.parametrize("body", [b"", b"rows=", b"rows=%5B" * 9, b"rows=" + b"[" * 20_000, b"\xff", b"rows=%ff"])
def test_a_body_that_says_nothing_is_refused(client, body):
    assert client.post(f"{PREFIX}/csv", content=body).status_code == 422


def test_an_endless_body_is_not_read_to_its_end(client):
    body = urlencode({"rows": "x" * MAX_BODY}).encode()
    assert "too long" in client.post(f"{PREFIX}/csv", content=body).text


def test_there_are_three_kinds_of_file(client, filled):
    assert take(client, "exe", of(filled)).status_code == 404
    assert client.get(f"{PREFIX}/csv").status_code == 405


def test_a_store_that_is_away_is_said_before_anything_is_sent(client, filled, monkeypatch):
    def away(self, ids):
        raise StoreUnavailable("The pictures cannot be read. Check DATA_DIR.")

    monkeypatch.setattr(MemoryStore, "find_all", away)
    response = take(client, "zip", of(filled))
    assert (response.status_code, response.text) == (503, "The pictures cannot be read. Check DATA_DIR.")


def test_where_a_picture_lies_on_the_server_is_told_to_nobody(client, library, store, filled):
    [id, *_] = filled
    store.update(replace(library.record(id), source="/home/ann/secret/red.png"))
    for kind in ("csv", "json"):
        assert b"/home" not in take(client, kind, of([id])).content


# Deleting


def test_several_pictures_are_deleted_at_once(library, filled):
    red, green, blue = filled
    told = remove_all(library, "all", {"ids": [red, blue, red]})
    assert (told["removed_all"], told["count"]) == ([red, blue], 2)
    assert library.pictures.stored(list(filled)) == {green}


def test_what_somebody_else_has_deleted_meanwhile_stops_nothing(library, filled):
    red, green, blue = filled
    library.delete([red])
    told = remove_all(library, "all", {"ids": [red, green]})
    assert (told["removed_all"], told["count"]) == ([red, green], 1)
    with pytest.raises(UnknownPicture, match="None of these 2 pictures"):
        remove_all(library, "all", {"ids": [red, green]})
    assert library.pictures.stored(list(filled)) == {blue}


@pytest.mark.parametrize("edits", ["add", "none"])
def test_deleting_several_needs_the_right_to(library, filled, edits):
    with pytest.raises(NotAllowed):
        remove_all(library, edits, {"ids": list(filled)})
    assert len(library.pictures.stored(list(filled))) == 3


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (None, InvalidSelection),
        ({"ids": "all"}, InvalidSelection),
        ({"ids": []}, InvalidSelection),
        ({"ids": [NO_PICTURE, "x' or 1=1"]}, InvalidContentId),
        ({"ids": [NO_PICTURE] * (MOST_RESULTS + 1)}, InvalidSelection),
    ],
    ids=["nothing", "text", "none", "no ID", "many"],
)
def test_what_cannot_be_deleted_is_refused(library, filled, data, error):
    with pytest.raises(error):
        remove_all(library, "all", data)
    assert len(library.pictures.stored(list(filled))) == 3
