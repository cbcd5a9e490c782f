"""Combines texts and pictures, filters, order and pages through the page's controls."""

import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from library.errors import UNEXPECTED, InvalidContentId
from library.image_library import ImageLibrary
from testing.fakes import loading
from testing.page_calls import SETTINGS, names, uploaded
from ui.handlers.page import PageHandlers
from ui.handlers.search import AUTOMATIC, EXACT, MANUAL, SearchSettings
from ui.views import View

# Texts and pictures combined


def test_an_address_names_texts_and_pictures_with_weights_and_crops(handlers, filled):
    address = f"?q=red&q=x%5E2&w=-0.5&like={filled['green']}&w=0.7&crop=0,0.25,0.5,0.5&__theme=dark"
    view = handlers.searches.addressed({"address": address})
    assert [part.as_json() for part in view.parts] == [
        {"text": "red", "content_id": "", "image": None, "weight": 1, "crop": None},
        {"text": "x^2", "content_id": "", "image": None, "weight": -0.5, "crop": None},
        {"text": "", "content_id": filled["green"], "image": None, "weight": 0.7, "crop": [0, 0.25, 0.5, 0.5]},
    ]
    assert handlers.searches.box_text({"address": address}) == "red"


@pytest.mark.parametrize(
    "address", ["?q=red&w=much", "?q=red&w=nan", "?like=x", "?q=red&crop=1", "?q=a" + "&q=a" * 500]
)
def test_a_bad_address_gets_one_sentence(handlers, filled, address):
    value, view = handlers.searches.visit({"address": address}, SETTINGS)
    assert (value["state"], view) == ("error", View())
    assert value["detail"] != str(UNEXPECTED)


def test_what_stands_before_any_part_of_an_address_is_nothing(handlers):
    assert handlers.searches.addressed({"address": "?w=3&crop=1,2&q="}).is_browsing


def test_parts_come_back_as_they_were_asked_with_their_turn(handlers, filled, picture, uploads):
    given = uploaded(uploads, "query.png", picture("green"))
    parts = [
        {"text": "red", "weight": 0.5},
        {"image": given, "weight": 1, "crop": [0, 0, 0.5, 0.5]},
        {"content_id": filled["blue"], "weight": -0.3},
    ]
    value, _ = handlers.searches.visit({"parts": parts, "turn": 7}, SETTINGS)
    assert names(value) == ["green.png", "red.png"]
    assert [shown["name"] for shown in value["pictures"]] == ["blue.png"]
    assert value["query"]["turn"] == 7
    again, _ = handlers.searches.visit({"parts": value["query"]["parts"]}, SETTINGS)
    assert names(again) == names(value)
    assert handlers.searches.box_text({"parts": parts}) is None


def test_a_weight_of_zero_leaves_a_part_out_for_a_while(handlers, filled):
    parts = [{"text": "red", "weight": 0}, {"text": "blue"}]
    value, _ = handlers.searches.visit({"parts": parts}, SETTINGS)
    assert names(value)[0] == "blue.png" and len(value["query"]["parts"]) == 2
    value, _ = handlers.searches.visit({"parts": parts[:1]}, SETTINGS)
    assert "has the weight 0" in value["detail"]


def test_what_cannot_be_searched_keeps_its_parts_to_be_changed(handlers, filled):
    value, _ = handlers.searches.visit({"parts": [{"text": "red", "weight": -1}]}, SETTINGS)
    assert value["state"] == "error" and len(value["query"]["parts"]) == 1


@pytest.mark.parametrize("parts", [3, "x", {}, [3], [{}], [{"text": 3}], [{"text": "a", "weight": None}], [{}] * 17])
def test_odd_parts_get_one_sentence(handlers, filled, parts):
    value, _ = handlers.searches.visit({"parts": parts}, SETTINGS)
    assert (value["state"], value["kind"]) == ("error", "InvalidQuery")


def test_several_pictures_of_the_search_box_are_parts(handlers, filled, picture, uploads):
    files = [uploaded(uploads, f"{colour}.png", picture(colour))["path"] for colour in ("red", "green")]
    view = handlers.searches.in_box({"text": "red", "files": files})
    assert len(view.parts) == 3
    assert names(handlers.searches.show(view, SETTINGS))[0] == "red.png"


def test_addresses_with_a_bad_id_are_refused(handlers):
    with pytest.raises(InvalidContentId):
        handlers.searches.addressed({"like": "x"})


# Filters, order and pages

WIDE_ONES = {"rows": [{"field": "width", "operator": ">=", "value": "1"}], "match": "all", "sort": "name"}


def test_filters_apply_at_once_and_stay_for_the_next_search(handlers, filled):
    shown, view = handlers.searches.filtered(View(), WIDE_ONES, SETTINGS)
    assert (shown["state"], names(shown)) == ("browse", ["blue.png", "green.png", "red.png"])
    assert shown["query"]["where"] == [{"field": "width", "operator": ">=", "value": 1}]
    wanted = handlers.searches.in_box({"text": "red"}, view)
    assert wanted == replace(View.of("red"), where=view.where, order="name")


def test_an_address_brings_filters_back(handlers, filled):
    _, view = handlers.searches.filtered(View.of("red"), WIDE_ONES, SETTINGS)
    query = handlers.searches.show(view, SETTINGS)["query"]
    said = {"q": "red", "where": json.dumps(query["where"]), "match": query["match"], "sort": query["sort"]}
    address = f"?{urlencode(said)}"
    assert handlers.searches.addressed({"address": address}) == handlers.searches.addressed(query) == view


def test_a_filter_that_nothing_meets_shows_that(handlers, filled):
    rows = [{"field": "name", "operator": "starts with", "value": "yellow"}]
    shown, _ = handlers.searches.filtered(View(), {"rows": rows, "sort": "score"}, SETTINGS)
    assert (shown["state"], shown["total"]) == ("none", 0)


@pytest.mark.parametrize(
    "rows",
    [
        [{"field": "nowhere", "operator": "=", "value": "1"}],
        [{"field": "width", "operator": "=", "value": "wide"}],
        [{"field": "width", "operator": "like", "value": "1"}],
        [{"field": 5, "value": "1"}],
    ],
)
def test_a_filter_that_cannot_be_is_told_and_not_kept(handlers, filled, rows):
    shown, view = handlers.searches.filtered(View.of("red"), {"rows": rows, "sort": "score"}, SETTINGS)
    assert (shown["state"], shown["kind"]) == ("error", "InvalidFilter")
    assert view == View.of("red")


@pytest.mark.parametrize("where", ["[", '[{"field": 5}]', "5", '["a"]'])
def test_an_address_with_a_broken_filter_is_told(handlers, filled, where):
    shown, _ = handlers.searches.visit({"q": "red", "where": where}, SETTINGS)
    assert shown["kind"] == "InvalidFilter"


def test_results_are_shown_page_by_page(handlers, filled):
    first = handlers.searches.show(View.of("red"), SearchSettings(2, AUTOMATIC, 16, 0))
    second = handlers.searches.show(View.of("red", offset=2), SearchSettings(2, AUTOMATIC, 16, 0))
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert sorted(names(first) + names(second)) == ["blue.png", "green.png", "red.png"]
    assert [each["rank"] for each in second["items"]] == [3]


def test_fields_are_offered_also_while_there_is_no_model(store, database, worker, uploads, filled):
    waiting = PageHandlers.build(ImageLibrary(store, loading(), database), worker, "all", uploads)
    assert [field["name"] for field in waiting.searches.fields()["fields"]][:2] == ["name", "width"]


# Settings in an address


def test_an_address_may_name_the_settings_of_a_search(handlers, filled):
    value, _ = handlers.searches.visit({"address": "?q=red&limit=1"}, SETTINGS)
    assert len(value["items"]) == 1 and value["has_more"]
    second, view = handlers.searches.visit({"address": "?q=red&limit=1&offset=1&nprobe=3"}, SETTINGS)
    assert view.offset == 1 and names(second) != names(value)
    for address, tuned in {
        "?q=red": SETTINGS,
        "?q=red&limit=5&min_score=0.5": (5, AUTOMATIC, SETTINGS.nprobe, 0.5),
        "?q=red&nprobe=3": (SETTINGS.limit, MANUAL, 3, SETTINGS.min_score),
        "?q=red&exact=true": (SETTINGS.limit, EXACT, SETTINGS.nprobe, SETTINGS.min_score),
        "?q=red&exact=false&limit=": SETTINGS,
    }.items():
        assert handlers.searches.tuned({"address": address}, SETTINGS) == tuned


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("limit=0", "The limit is 0: 1 to 200"),
        ("limit=many", 'The limit has to be a number, not "many"'),
        ("limit=1e400", 'The limit has to be a number, not "1e400"'),
        (f"limit={10**30}", f"The limit is {10**30}: 1 to 200"),
        ("nprobe=2.5", "nprobe has to be a whole number, not 2.5"),
        ("offset=-1", "The offset is -1: 0 or more"),
        ("min_score=2", "The minimum score is 2"),
    ],
)
def test_a_setting_in_an_address_that_is_not_possible_gets_one_sentence(handlers, filled, setting, told):
    value, _ = handlers.searches.visit({"address": f"?q=red&{setting}"}, SETTINGS)
    assert value["state"] == "error" and told in value["detail"]
