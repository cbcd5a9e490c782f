"""Checks a search request: what clients may send, what is refused, and the query that comes of it."""

import json
import math

import numpy as np
import pytest

from library.errors import InvalidContentId, InvalidFilter, InvalidQuery, RejectedImage
from library.search.filters import Condition, Filter
from library.search.parts import MAX_PARTS, Crop, LibraryPart, PicturePart, TextPart, parse_weighted
from library.search.query import Query
from library.search.request import PartRequest, SearchRequest, parse_filter
from ui.address import filter_in, pairs_of, parts_in

ID = "0" * 64


def no_pictures(place):
    raise AssertionError(f"{place} was read")


def test_a_request_without_anything_is_the_query_without_anything():
    assert SearchRequest.parse().query(no_pictures) == SearchRequest().query(no_pictures) == Query()


def test_every_value_reaches_the_query():
    request = SearchRequest.parse(
        text="beach",
        image={"path": "upload.jpg", "orig_name": "Holiday.jpg"},
        parts=[{"text": "people", "weight": -0.5}, {"content_id": ID, "crop": [0, 0, 0.5, 1]}],
        limit=7.0,
        nprobe=4,
        exact=True,
        min_score=0,
        where=[{"field": "width", "operator": ">=", "value": 1000}],
        match="any",
        sort="name",
        offset=14,
        model="small",
    )
    assert request.parts[1].name == "Holiday.jpg"
    assert request.query(str.encode) == Query(
        (
            TextPart("beach"),
            PicturePart(b"upload.jpg"),
            TextPart("people", -0.5),
            LibraryPart(ID, crop=Crop(0, 0, 0.5, 1)),
        ),
        limit=7,
        nprobe=4,
        exact=True,
        min_score=0.0,
        where=Filter([Condition("width", ">=", 1000)], "any"),
        order="name",
        offset=14,
        model="small",
    )


@pytest.mark.parametrize(
    ("given", "error", "complaint"),
    [
        ({"limit": "many"}, InvalidQuery, "limit has to be a number"),
        ({"limit": 2.5}, InvalidQuery, "limit has to be a whole number"),
        ({"nprobe": True}, InvalidQuery, "nprobe has to be a number"),
        ({"min_score": None}, InvalidQuery, "minimum score has to be a number"),
        ({"offset": "x"}, InvalidQuery, "offset has to be a number"),
        ({"sort": "colour"}, InvalidQuery, "Sorting by 'colour'"),
        ({"parts": "beach"}, InvalidQuery, "are a list"),
        ({"parts": ["beach"]}, InvalidQuery, "a text, an image or a content_id"),
        ({"parts": [{"text": "a", "content_id": ID}]}, InvalidQuery, "only one of them"),
        ({"parts": [{"text": "a", "weight": "1"}]}, InvalidQuery, "weight of a part has to be a number"),
        ({"parts": [{"content_id": "../x"}]}, InvalidContentId, "content ID"),
        ({"parts": [{"content_id": ID, "crop": [0, 0, 1]}]}, InvalidQuery, "four numbers"),
        ({"parts": [{"content_id": ID, "crop": [0, 0, 2, 1]}]}, InvalidQuery, "beyond the picture"),
        ({"parts": [{"text": "a"}] * (MAX_PARTS + 1)}, InvalidQuery, f"{MAX_PARTS} are possible"),
        ({"where": "width>5"}, InvalidFilter, "A filter is a list"),
        ({"where": [{"field": "width"}]}, InvalidFilter, "operator is missing"),
    ],
)
def test_what_is_none_of_the_possible_values_is_refused(given, error, complaint):
    with pytest.raises(error, match=complaint):
        SearchRequest.parse(**given)


@pytest.mark.parametrize("given", [{"limit": 0}, {"nprobe": 0}, {"min_score": 2}, {"offset": -1}])
def test_a_number_out_of_its_range_makes_no_query(given):
    with pytest.raises(InvalidQuery):
        SearchRequest.parse(text="beach", **given).query(no_pictures)


def test_text_and_parts_count_together():
    request = SearchRequest.parse(text="beach", parts=[{"text": "sea"}] * MAX_PARTS)
    with pytest.raises(InvalidQuery, match=f"{MAX_PARTS + 1} parts"):
        request.query(no_pictures)


def test_exact_is_true_or_false_and_nothing_else():
    assert [SearchRequest.parse(exact=each).exact for each in (True, np.True_, False, None)] == [
        True,
        True,
        False,
        False,
    ]
    for each in ("yes", 1, 0, []):
        with pytest.raises(InvalidQuery, match="exact has to be true or false"):
            SearchRequest.parse(exact=each)


def test_a_picture_that_cannot_be_read_stops_the_query():
    def gone(place):
        raise RejectedImage("gone")

    with pytest.raises(RejectedImage):
        SearchRequest.parse(image="x.jpg").query(gone)


def test_parts_of_weight_zero_are_left_out_on_request():
    red, blue = PartRequest(text="red"), PartRequest(text="blue", weight=0)
    assert SearchRequest((red, blue)).without_idle_parts() == SearchRequest((red,))
    assert SearchRequest().without_idle_parts() == SearchRequest()
    with pytest.raises(InvalidQuery, match="the weight 0"):
        SearchRequest((blue,)).without_idle_parts()


def test_a_request_takes_parts_that_were_read_before():
    part = PartRequest(text="beach", weight=0.5)
    assert SearchRequest.parse(parts=[part]) == SearchRequest((part,))


def test_parts_survive_json():
    parts = SearchRequest.parse(text="red", parts=[{"content_id": ID, "crop": [0, 0, 0.5, 1], "weight": 2}]).parts
    assert SearchRequest.parse(parts=json.loads(json.dumps([part.as_json() for part in parts]))).parts == parts


def test_an_address_says_the_same_as_a_list_of_parts():
    pairs = pairs_of({"address": f"?w=9&q=beach&q=people&w=-0.5&like={ID}&crop=0,0,0.5,1&q="})
    assert SearchRequest.parse(parts=parts_in(pairs)) == SearchRequest.parse(
        text="beach", parts=[{"text": "people", "weight": -0.5}, {"content_id": ID, "crop": [0, 0, 0.5, 1]}]
    )


def test_a_filter_in_an_address_is_json():
    where = [{"field": "width", "operator": ">=", "value": 1000}]
    assert filter_in(json.dumps(where)) == filter_in(where) == where
    for damaged in ("[{", "[" * 1_000, "[" * 5_000 + "]" * 5_000, '{"a":' * 2_000, "9" * 5_000):
        with pytest.raises(InvalidFilter, match="The filter in this address"):
            filter_in(damaged)


@pytest.mark.parametrize("deep", [json.loads("[" * 900 + "]" * 900), [[[{"field": "width"}]]]])
def test_a_filter_nested_deep_is_refused(deep):
    entry = {"field": "width", "operator": "=", "value": deep}
    for where in (deep, [entry], {"field": deep}):
        with pytest.raises(InvalidFilter) as refused:
            parse_filter(where)
        assert "\n" not in str(refused.value) and len(str(refused.value)) < 300


@pytest.mark.parametrize("name", ["limit", "offset", "nprobe", "min_score"])
def test_a_number_beyond_every_other_gets_one_sentence(name):
    for number in (math.inf, -math.inf, math.nan, 10**30, -(10**30), 10**400, 10**5_000, 1e308):
        with pytest.raises(InvalidQuery) as refused:
            SearchRequest.parse(text="beach", **{name: number}).query(no_pictures)
        assert str(refused.value).endswith(".") and len(str(refused.value)) < 120


def test_a_text_with_half_of_an_emoji_is_refused():
    for given in ({"text": "beach \ud83d"}, {"text": "\ud83d"}, {"parts": [{"text": "a \udc00 b"}]}):
        with pytest.raises(InvalidQuery, match="holds half of a character"):
            SearchRequest.parse(**given)
    with pytest.raises(InvalidFilter, match="half of a character"):
        SearchRequest.parse(where=[{"field": "name", "operator": "=", "value": "\ud83d"}])


def test_what_is_no_text_is_called_that():
    for given in ({"text": 5}, {"text": ["beach"]}, {"parts": [{"text": True}]}):
        with pytest.raises(InvalidQuery, match="has to be a string, not"):
            SearchRequest.parse(**given)
    assert SearchRequest.parse(text=None).parts == SearchRequest.parse(text=" ").parts == ()


def test_a_number_is_shown_as_it_was_typed():
    for limit in (10**30, 1e30):
        with pytest.raises(InvalidQuery, match=f"The limit is 1{'0' * 30}: "):
            SearchRequest.parse(text="beach", limit=limit).query(no_pictures)
    with pytest.raises(InvalidQuery, match="The limit is ≈10\\^5000: "):
        SearchRequest.parse(text="beach", limit=10**5_000).query(no_pictures)
    with pytest.raises(InvalidQuery, match="weight 1e400 is not possible"):
        parse_weighted("beach^1e400")
    with pytest.raises(InvalidQuery, match='has to be a number, not "1e400"'):
        SearchRequest.parse(parts=parts_in([("q", "beach"), ("w", "1e400")]))


def test_a_filter_in_an_address_that_is_nested_too_deep_is_told_apart_from_one_that_is_no_json():
    with pytest.raises(InvalidFilter, match="nested too deep"):
        filter_in("[" * 100_000 + "]" * 100_000)
    with pytest.raises(InvalidFilter, match="cannot be read"):
        filter_in("[")
