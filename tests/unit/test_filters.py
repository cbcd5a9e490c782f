"""Checks conditions: what is allowed, what is meant, and what they match."""

import pytest

from library.errors import InvalidFilter, InvalidQuery
from library.search.fields import Field, Fields
from library.search.filters import BUILT_IN, Condition, Draft, Filter, parse_condition
from library.search.query import MAX_DEPTH, Query
from library.search.request import filter_as_json, parse_drafts, parse_filter
from testing.pictures import record

CAT = record(
    1,
    name="IMG_1.jpg",
    width=1000,
    format="JPEG",
    added="2026-11-01T12:00:00.000000Z",
    metadata={"class": "cat", "stars": 4, "public": True, "code": "007", "size": 2.5, "tags": ["a"], "name": "Tom"},
)


def holds(field, operator, value):
    return Condition(field, operator, value).matches(CAT)


@pytest.mark.parametrize(
    ("field", "operator", "value"),
    [
        ("width", "=", 1000),
        ("width", "!=", 999),
        ("width", "<", 1000.5),
        ("width", "<=", 1000),
        ("width", ">", 999),
        ("width", ">=", 1000),
        ("width", "between", [1000, 2000]),
        ("class", "one of", ["dog", "cat"]),
        ("name", "starts with", "IMG_"),
        ("class", "<", "dog"),
        ("stars", "=", 4.0),
        ("public", "=", True),
        ("public", "!=", False),
        ("metadata.name", "=", "Tom"),
        ("added", "=", "2026-11-01"),
        ("added", "<=", "2026-11-01"),
        ("added", ">", "2026-10-31"),
        ("added", "=", "2026-11-01T13:00+01:00"),
        ("added", "between", ["2026-11-01", "2026-11-01"]),
        ("added", "starts with", "2026-11"),
    ],
)
def test_a_condition_that_holds(field, operator, value):
    assert holds(field, operator, value)


@pytest.mark.parametrize(
    ("field", "operator", "value"),
    [
        ("width", "!=", 1000),
        ("added", "!=", "2026-11-01"),
        ("added", "<", "2026-11-01"),
        ("added", ">", "2026-11-01"),
        ("class", "one of", ["Cat", "ca"]),
        ("public", "!=", True),
        ("name", "starts with", "img"),
    ],
)
def test_a_condition_that_does_not_hold(field, operator, value):
    assert not holds(field, operator, value)


@pytest.mark.parametrize("field", ["nowhere", "tags", "class", "public"])
@pytest.mark.parametrize("operator", ["=", "!=", "<", "<=", ">", ">="])
def test_a_missing_field_or_one_of_another_kind_does_not_match_a_number(field, operator):
    assert not holds(field, operator, 0)
    assert not holds(field, operator, 1)


@pytest.mark.parametrize(("field", "value"), [("stars", "4"), ("code", 7), ("public", 1), ("stars", True)])
@pytest.mark.parametrize("operator", ["=", "!="])
def test_a_text_is_no_number_and_true_is_no_one(field, operator, value):
    assert not holds(field, operator, value)


def test_all_or_any_of_the_conditions():
    conditions = [Condition("class", "=", "cat"), Condition("stars", ">", 4)]
    assert not Filter(conditions).matches(CAT)
    assert Filter(conditions, "any").matches(CAT)


@pytest.mark.parametrize(
    ("field", "operator", "value", "told"),
    [
        ("width", "=", "wide", "width is a number"),
        ("width", "starts with", "10", "width is a number"),
        ("name", ">", 5, "name is a text"),
        ("added", ">", 5, "added is a time"),
        ("added", ">", "yesterday", "added is a time, such as 2026-11-30"),
        ("added", "=", "2026-02-30", "added is a time"),
        ("stars", "like", 5, "these are: =, !=, <, <=, >, >=, between, one of, starts with"),
        ("stars", "between", 5, "stars: between takes two values"),
        ("stars", "between", [5, 4], "the smaller one first"),
        ("stars", "between", [5, "6"], "of one kind"),
        ("stars", "one of", [], "1 to 100 values"),
        ("stars", "one of", [1] * 101, "1 to 100 values"),
        ("stars", "=", [1], "takes one value"),
        ("stars", "=", None, "a text, a number, true or false"),
        ("stars", "=", {"a": 1}, "a text, a number, true or false"),
        ("stars", "=", float("nan"), "numbers from"),
        ("stars", "=", float("inf"), "numbers from"),
        ("stars", "=", 2**53, "numbers from"),
        ("stars", "<", True, "compared with = and != only"),
        ("stars", "starts with", 5, "a text starts with a text"),
        ("class", "=", "\ud800", "holds half of a character"),
        ("class", "=", "x" * 2001, "at most 2000 characters"),
        ("", "=", 1, "1 to 300 characters"),
        (None, "=", 1, "1 to 300 characters"),
        ("a][b", "=", 1, "][ in their name"),
    ],
)
def test_what_is_not_possible_is_told_with_the_field_and_what_is(field, operator, value, told):
    with pytest.raises(InvalidFilter) as raised:
        Condition(field, operator, value)
    assert told in str(raised.value)
    assert str(raised.value).endswith(".")
    assert field in str(raised.value) if field else True


@pytest.mark.parametrize("conditions", [[], [Condition("width", "=", 1)] * 21])
def test_a_filter_has_some_conditions_and_not_too_many(conditions):
    with pytest.raises(InvalidFilter, match="1 to 20 conditions"):
        Filter(conditions)


def test_half_a_character_in_the_name_of_a_field_is_named_as_the_cause():
    with pytest.raises(InvalidFilter, match=r"^'a\\udc00' holds half of a character, which no name of a field can"):
        Condition("a\udc00", "=", 1)


def test_a_list_of_too_many_conditions_is_refused_by_its_length_whatever_that_is():
    entry = {"field": "width", "operator": "=", "value": "1"}
    for count in (21, 100, 101, 40_000):
        for parse in (parse_filter, parse_drafts):
            with pytest.raises(InvalidFilter, match=f"1 to 20 conditions, this one {count:,}"):
                parse([entry] * count)


KINDS = {**{name: (kind,) for name, kind in BUILT_IN.items()}, "class": ("text",), "stars": ("number",)}
KINDS |= {"code": ("text",), "public": ("true or false",), "mixed": ("number", "text"), "a=b": ("number",)}


def typed(text):
    draft = parse_condition(text)
    condition = draft.typed(KINDS.get(draft.field, ()))
    return condition.field, condition.operator, condition.value


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("width>=1000", ("width", ">=", 1000)),
        ("width >= 1e3", ("width", ">=", 1000.0)),
        ("width=100..200", ("width", "between", (100, 200))),
        ("class=cat", ("class", "=", "cat")),
        ("class==cat", ("class", "=", "cat")),
        ("class=cat|dog", ("class", "one of", ("cat", "dog"))),
        ("class=Berlin, Germany", ("class", "=", "Berlin, Germany")),
        ("class!=cat", ("class", "!=", "cat")),
        ("name^=IMG_", ("name", "starts with", "IMG_")),
        ("name^=2024", ("name", "starts with", "2024")),
        ("name=2024", ("name", "=", "2024")),
        ("code=007", ("code", "=", "007")),
        ("stars=007", ("stars", "=", 7)),
        ("mixed=7", ("mixed", "=", 7)),
        ('mixed="7"', ("mixed", "=", "7")),
        ("public=true", ("public", "=", True)),
        ("class=true", ("class", "=", "true")),
        ('class="a|b..c"', ("class", "=", "a|b..c")),
        (r'class="say \"hi\" \\"', ("class", "=", r'say "hi" \ '.strip())),
        ('"a=b">5', ("a=b", ">", 5)),
        ("class=", ("class", "=", "")),
        ("added>=2026-11-01", ("added", ">=", "2026-11-01")),
        ("added=2026-11-01..2026-11-30", ("added", "between", ("2026-11-01", "2026-11-30"))),
        ("unheard=5", ("unheard", "=", 5)),
        ("stars>-1.5", ("stars", ">", -1.5)),
    ],
)
def test_a_condition_of_the_command_line_is_typed_as_the_field_is(text, meant):
    assert typed(text) == meant


@pytest.mark.parametrize(
    "text", ["", "width", ">=5", "width=1..", "class=|cat", "class=a|b..c", "width>1..2", 'a="b"c']
)
def test_what_is_no_condition_is_told_with_examples(text):
    with pytest.raises(InvalidFilter, match="is not a condition: write --where"):
        parse_condition(text)


@pytest.mark.parametrize("text", ["stars=many", "public=perhaps", "width=wide", f"stars={'9' * 400}", "stars=1e999"])
def test_a_value_of_the_wrong_kind_is_told_with_the_field(text):
    with pytest.raises(InvalidFilter, match=text.partition("=")[0]):
        typed(text)


def test_fields_are_those_of_ours_and_those_seen_with_their_kinds_and_few_values():
    fields = Fields()
    fields.note([CAT, record(2, metadata={"class": "dog", "stars": "many", "][": 1})])
    assert [field.name for field in fields.all()[:7]] == list(BUILT_IN)
    others = {field.name: field for field in fields.all()[7:]}
    assert list(others) == ["class", "code", "metadata.name", "public", "size", "stars"]
    assert others["class"] == Field("class", ("text",), ("cat", "dog"))
    assert others["stars"].kinds == ("number", "text")


def test_values_are_not_offered_where_there_are_many_or_long_ones():
    fields = Fields()
    fields.note([record(number, metadata={"id": f"photo {number}", "text": "x" * 61}) for number in range(31)])
    assert {field.name: field.values for field in fields.all()[7:]} == {"id": (), "text": ()}


def test_a_filter_survives_json():
    where = Filter([Condition("stars", ">=", 4), Condition("class", "one of", ["a", "b"])], "any")
    assert parse_filter(**filter_as_json(where)) == where
    assert parse_filter([]) is None


@pytest.mark.parametrize("where", ["width>5", [5], {"field": "width"}, [{"field": "width"}], [{"operator": "="}]])
def test_a_filter_that_is_no_list_of_conditions_is_refused(where):
    with pytest.raises(InvalidFilter):
        parse_filter(where)


def test_rows_without_a_value_are_not_yet_conditions():
    rows = [
        {"field": "a", "operator": "=", "value": " "},
        {"field": "b", "operator": "between", "value": ["1", "2"]},
        5,
    ]
    assert parse_drafts(rows) == [Draft("b", "between", ("1", "2"))]


@pytest.mark.parametrize("fields", [{"offset": -1}, {"offset": MAX_DEPTH}, {"order": "colour"}])
def test_pages_and_orders_that_there_are_not(fields):
    with pytest.raises(InvalidQuery):
        Query.of("red", **fields)
