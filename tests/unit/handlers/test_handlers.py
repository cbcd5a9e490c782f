"""Calls the page's controls directly and, for what only a server can show, over HTTP."""

import json
import time

import pytest

from library.errors import UNEXPECTED, IndexUnavailable, ModelUnavailable, UnknownModel
from library.image_library import ImageLibrary
from library.messages import message
from testing.app_server import ROOT
from testing.fakes import ColourEncoder, MemoryCollection, loading
from testing.page_calls import SETTINGS, names, uploaded
from testing.pictures import item
from ui.handlers.page import PageHandlers
from ui.handlers.search import AUTOMATIC, EXACT, MANUAL, SearchSettings
from ui.handlers.uploads import NO_RUN, _updated
from ui.page import build_page
from ui.views import PAGE_SIZE, View

HOSTILE = "${alert(1)}<img src=x onerror=alert(1)>.jpg"


def finished(handlers, run_id):
    for _ in range(500):
        value, _ = handlers.uploads.follow(run_id)
        if value["state"] not in ("waiting", "running"):
            return value
        time.sleep(0.01)
    raise AssertionError("the run never ended")


# Searching


def test_words_find_the_picture_they_describe(handlers, filled):
    value = handlers.searches.show(View.of("blue"), SETTINGS)
    assert value["state"] == "results"
    assert names(value)[0] == "blue.png"
    assert [shown["rank"] for shown in value["items"]] == [1, 2, 3]


def test_every_answer_is_json(handlers, filled):
    for view in (View(), View.of("red"), View.of(like=filled["red"])):
        assert json.loads(json.dumps(handlers.searches.show(view, SETTINGS)))
    assert json.loads(json.dumps(handlers.status.status()))


def test_an_uploaded_picture_finds_its_like(handlers, filled, picture, uploads):
    given = uploaded(uploads, "query.png", picture("green", size=(9, 9)))
    view = handlers.searches.in_box({"text": "", "files": [given["path"]]})
    assert names(handlers.searches.show(view, SETTINGS))[0] == "green.png"


def test_pictures_like_another_leave_that_one_out(handlers, filled):
    value, view = handlers.searches.visit({"like": filled["red"]}, SETTINGS)
    assert [part.content_id for part in view.parts] == [filled["red"]]
    assert [each["name"] for each in value["pictures"]] == ["red.png"]
    assert "red.png" not in names(value)


def test_nothing_asked_for_shows_the_library_newest_first(handlers, filled):
    value = handlers.searches.show(handlers.searches.in_box({"text": "  ", "files": []}), SETTINGS)
    assert (value["state"], value["total"]) == ("browse", 3)
    assert names(value) == ["blue.png", "green.png", "red.png"]


def test_the_library_is_shown_page_by_page(handlers, library, picture):
    list(library.add([item(f"{n}.png", picture((n, 0, 0))) for n in range(PAGE_SIZE + 2)]))
    value, _ = handlers.searches.visit({"offset": PAGE_SIZE}, SETTINGS)
    assert names(value) == ["1.png", "0.png"]


def test_turning_a_page_leaves_the_search_box_alone(handlers):
    assert handlers.searches.box_text({"offset": 48}) is None
    assert handlers.searches.box_text({"like": "x"}) == ""
    assert handlers.searches.box_text({"q": "red"}) == "red"


def test_an_empty_library_says_so(handlers):
    assert handlers.searches.show(View(), SETTINGS)["state"] == "empty"
    assert handlers.searches.show(View.of("red"), SETTINGS)["state"] == "empty"


def test_a_minimum_score_that_nothing_reaches_is_not_an_error(handlers, filled):
    value = handlers.searches.show(View.of("red green blue"), SearchSettings(24, AUTOMATIC, 16, 0.99))
    assert (value["state"], value["min_score"]) == ("none", 0.99)


def test_zero_on_the_score_slider_leaves_nothing_out(handlers, filled, monkeypatch):
    seen = searches(monkeypatch)
    assert handlers.searches.show(View.of("red"), SETTINGS)["min_score"] == -1
    assert seen == [(24, None, False)]


def test_accuracy_decides_between_nprobe_and_exact(handlers, filled, monkeypatch):
    seen = searches(monkeypatch)
    handlers.searches.show(View.of("red"), SearchSettings(5, MANUAL, 7, 0))
    handlers.searches.show(View.of("red"), SearchSettings(5, EXACT, 7, 0))
    assert seen == [(5, 7, False), (5, None, True)]


def searches(monkeypatch):
    seen = []
    real = MemoryCollection.search

    def search(self, vector, limit, nprobe=None, exact=False, *others):
        seen.append((limit - 1, nprobe, exact))  # one more tells whether another page follows
        return real(self, vector, limit, nprobe, exact, *others)

    monkeypatch.setattr(MemoryCollection, "search", search)
    return seen


def test_a_text_that_was_cut_is_mentioned(handlers, filled):
    assert handlers.searches.show(View.of("red " * 20), SETTINGS)["notes"]


# What a client may send


@pytest.mark.parametrize(
    "params",
    [
        ("24", AUTOMATIC, 16, 0),
        (10**9, AUTOMATIC, 16, 0),
        (2.5, AUTOMATIC, 16, 0),
        (True, AUTOMATIC, 16, 0),
        (None, AUTOMATIC, 16, 0),
        (24, MANUAL, {}, 0),
        (24, MANUAL, 0, 0),
        (24, AUTOMATIC, 16, float("nan")),
        (24, AUTOMATIC, 16, float("inf")),
        (24, AUTOMATIC, 16, [1]),
    ],
)
def test_numbers_that_are_none_are_refused_in_words(handlers, filled, params):
    value = handlers.searches.show(View.of("red"), SearchSettings(*params))
    assert (value["state"], value["kind"]) == ("error", "InvalidQuery")
    assert value["detail"] != str(UNEXPECTED)


@pytest.mark.parametrize(
    "data", [None, [], "x", {"like": 1}, {"q": {}}, {"offset": "3"}, {"offset": -5}, {"offset": True}]
)
def test_a_visit_to_nowhere_shows_the_library(handlers, filled, data):
    value, view = handlers.searches.visit(data, SETTINGS)
    assert value["state"] == "browse"
    assert view.is_browsing


@pytest.mark.parametrize("id", ["../../etc/passwd", "A" * 64, "f" * 63, "f" * 64])
def test_an_id_that_names_nothing_is_refused_in_words(handlers, filled, id):
    value, _ = handlers.searches.visit({"like": id}, SETTINGS)
    assert value["state"] == "error"
    assert value["detail"] != str(UNEXPECTED)


@pytest.mark.parametrize("box", [None, "red", [], {"text": None}, {"text": 4, "files": None}])
def test_a_search_box_that_holds_nothing_shows_the_library(handlers, filled, box):
    assert handlers.searches.in_box(box).is_browsing


def test_half_a_character_is_refused_however_the_page_is_asked(handlers, filled):
    before = View.of("blue")
    for value, view in (
        handlers.searches.submit({"text": "red \ud83d"}, before, SETTINGS),
        handlers.searches.visit({"q": "red \ud83d"}, SETTINGS),
        handlers.searches.visit({"address": "?q=red+\ud83d"}, SETTINGS),
        handlers.searches.visit({"parts": [{"text": "red \ud83d"}]}, SETTINGS),
    ):
        assert "holds half of a character" in value["detail"] and view in (before, View())
        json.dumps(value, ensure_ascii=False).encode()
    shown, _ = handlers.searches.visit({"parts": [{"text": "red"}], "model": "small\ud83d"}, SETTINGS)
    assert "small?" in shown["detail"]


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret", "a\0b", "x" * 5000, ""])
def test_a_picture_to_search_with_comes_from_the_upload_folder(handlers, filled, path):
    value = handlers.searches.show(View.of("red", path), SETTINGS)
    assert value["state"] == ("error" if path else "results")
    assert value.get("detail") != str(UNEXPECTED)


def test_files_outside_the_upload_folder_are_not_read(handlers, tmp_path_factory, picture):
    elsewhere = uploaded(tmp_path_factory.mktemp("elsewhere"), "secret.png", picture("red"))
    inside = {"path": "../elsewhere/0.bin", "name": "up.png"}
    _, run_id = handlers.uploads.add({"files": [elsewhere, inside, {"name": "none"}, {"path": 3}]})
    value = finished(handlers, run_id)
    assert value["counts"] == {"new": 0, "updated": 0, "duplicate": 0, "rejected": 0, "skipped": 4}


# Trouble


def test_a_broken_picture_gets_one_plain_sentence_without_a_path(handlers, filled, uploads):
    given = uploaded(uploads, "page.jpg", b"<!doctype html>")
    value = handlers.searches.show(View.of(picture=given["path"]), SETTINGS)
    assert value["kind"] == "RejectedImage"
    assert str(uploads) not in value["detail"]


def test_a_query_picture_that_was_cleaned_away_is_asked_for_again(handlers, filled, uploads):
    value = handlers.searches.show(View.of(picture=str(uploads / "gone.jpg")), SETTINGS)
    assert "Choose it again" in value["detail"]
    assert str(uploads) not in value["detail"]


def test_milvus_away_is_said_and_can_be_tried_again(handlers, filled, monkeypatch):
    def away(self):
        raise IndexUnavailable("Milvus does not answer. Start it.")

    monkeypatch.setattr(MemoryCollection, "loaded", away)
    value = handlers.searches.show(View.of("red"), SETTINGS)
    assert value["kind"] == "IndexUnavailable"
    assert value["detail"] == "Milvus does not answer. Start it."
    assert value["retry"]


def test_a_search_waits_for_the_model_but_looking_around_does_not(store, database, worker, uploads):
    models = loading()
    handlers = PageHandlers.build(ImageLibrary(store, models, database), worker, "all", uploads)
    assert handlers.searches.show(View.of("red"), SETTINGS)["state"] == "waiting"
    assert handlers.searches.show(View(), SETTINGS)["state"] == "empty"
    models.answer_with(ColourEncoder())
    assert handlers.searches.show(View.of("red"), SETTINGS)["state"] == "empty"


def test_a_model_that_failed_is_said_and_cannot_be_tried_again(store, database, worker, uploads):
    models = loading()
    models.fail(ModelUnavailable("The model cannot be downloaded."))
    library = ImageLibrary(store, models, database)
    handlers = PageHandlers.build(library, worker, "all", uploads)
    value = handlers.searches.show(View.of("red"), SETTINGS)
    assert value["detail"] == "The model cannot be downloaded."
    assert not value["retry"]
    assert handlers.status.status()["model"]["state"] == "failed"


def test_no_folder_of_the_server_is_shown(store, database, worker, uploads):
    models = loading("/srv/models/clip-b")
    library = ImageLibrary(store, models, database)
    handlers = PageHandlers.build(library, worker, "all", uploads)
    assert handlers.status.status()["model"]["name"] == "clip-b"
    setting = message("model_setting", setting="CLIP_MODEL", name="/srv/models/clip-b")
    models.fail(UnknownModel("model_not_in_folder", model=setting))
    assert handlers.status.status()["model"]["problem"].startswith("CLIP_MODEL=clip-b: this folder")


def test_a_source_kept_with_its_folder_is_shown_without(handlers, library, picture):
    list(library.add([item("red.png", picture("red"), source="/home/ann/holiday/red.png")]))
    [shown] = handlers.searches.show(View(), SETTINGS)["items"]
    assert shown["source"] == "red.png"


def test_a_bug_shows_nothing_of_itself_but_is_logged(handlers, filled, monkeypatch, caplog):
    def broken(self):
        raise RuntimeError("/srv/secret")

    monkeypatch.setattr(MemoryCollection, "loaded", broken)
    value = handlers.searches.show(View.of("red"), SETTINGS)
    assert value["detail"] == str(UNEXPECTED)
    assert "/srv/secret" in caplog.text


# Adding and removing


def test_an_upload_ends_in_a_receipt_for_every_file(handlers, library, uploads, picture):
    red = picture("red")
    files = [
        uploaded(uploads, HOSTILE, red),
        uploaded(uploads, "again.png", red),
        uploaded(uploads, "notes.jpg", b"not a picture"),
    ]
    left_out = [{"name": "huge.tif", "reason": "too_large"}]
    shown, run_id = handlers.uploads.add({"files": files, "left_out": left_out})
    assert shown["total"] == 4
    value = finished(handlers, run_id)
    assert value["counts"] == {"new": 1, "updated": 0, "duplicate": 1, "rejected": 1, "skipped": 1}
    received = [receipt["name"] for receipt in value["receipts"]]
    assert received == [HOSTILE, "again.png", "notes.jpg", "huge.tif"]
    assert HOSTILE in value["receipts"][1]["reason"]
    (record,) = library.browse(0, 9)
    assert (record.name, record.source) == (HOSTILE, "upload")


@pytest.mark.parametrize(
    ("name", "given", "status", "reason"),
    [
        ("holiday/.DS_Store", None, "skipped", "A hidden file."),
        ("holiday/.thumbnails/", None, "skipped", "A hidden folder."),
        ("holiday/2019/@eaDir/", None, "skipped", "A folder of the operating system."),
        ("holiday/notes.txt", None, "skipped", "The name does not end like that of a picture."),
        ("holiday/album.zip", None, "skipped", "An archive among other files"),
        ("huge.tif", "too_large", "skipped", "Not uploaded: it is larger than 100 MB."),
        ("a.png", "failed", "skipped", "Not uploaded: the file did not arrive."),
        ("holiday/", "empty", "skipped", "The folder holds no files. Put pictures into it"),
        ("holiday/locked/", "unreadable", "rejected", "The browser could not read it."),
        ("a.png", {"odd": 1}, "skipped", "Not uploaded."),
    ],
)
def test_what_a_browser_leaves_out_of_a_folder_has_the_reasons_of_every_folder(handlers, name, given, status, reason):
    _, run_id = handlers.uploads.add({"files": [], "left_out": [{"name": name, "reason": given}]})
    value = finished(handlers, run_id)
    [receipt] = value["receipts"]
    assert (receipt["name"], receipt["status"]) == (name, status)
    assert receipt["reason"].startswith(reason)
    assert len(value["skips"]) == (status == "skipped")


@pytest.mark.parametrize("name", ["a\nb.png", "\u202egnp.exe", "é" * 127 + ".png", "../../x.png"])
def test_an_odd_name_survives_as_text(handlers, library, uploads, picture, name):
    _, run_id = handlers.uploads.add({"files": [uploaded(uploads, name, picture("red"))]})
    assert finished(handlers, run_id)["counts"]["new"] == 1
    (shown,) = handlers.searches.show(View(), SETTINGS)["items"]
    assert shown["name"] == library.browse(0, 1)[0].name


def test_a_new_tab_sees_the_run_under_way(handlers, uploads, picture):
    assert handlers.uploads.follow(None) == (NO_RUN, None)
    _, run_id = handlers.uploads.add({"files": [uploaded(uploads, "a.png", picture("red"))]})
    value, seen = handlers.uploads.follow(None)
    assert seen == run_id or value == NO_RUN  # over already, on a fast machine
    finished(handlers, run_id)


def test_an_upload_of_nothing_is_refused_in_words(handlers):
    for data in (None, {}, {"files": "x"}, {"files": ["x", 3]}):
        value, run_id = handlers.uploads.add(data)
        assert value["state"] == "error"
        assert run_id is None


def test_samples_fill_an_empty_library(handlers, library):
    _, run_id = handlers.uploads.add_samples()
    value = finished(handlers, run_id)
    assert value["counts"]["new"] == value["total"] > 20
    assert library.browse(0, 1)[0].source == "samples"


def test_stop_reaches_the_run(handlers, worker, uploads, picture):
    _, run_id = handlers.uploads.add({"files": [uploaded(uploads, "a.png", picture("red"))]})
    value, _ = handlers.uploads.stop(run_id)
    assert value["stopping"]
    assert worker.find(run_id).stop.is_set()
    assert handlers.uploads.stop("nothing") == (NO_RUN, None)


def test_removing_a_picture_removes_it(handlers, library, filled):
    notice = handlers.removal.remove({"id": filled["red"]})
    assert (notice["removed"], notice["name"]) == (filled["red"], "red.png")
    assert [record.name for record in library.browse(0, 9)] == ["blue.png", "green.png"]


def test_removing_several_removes_them_and_tells_how_many(handlers, library, filled):
    notice = handlers.removal.remove_all({"ids": [filled["red"], filled["blue"]]})
    assert (notice["removed_all"], notice["count"]) == ([filled["red"], filled["blue"]], 2)
    assert [record.name for record in library.browse(0, 9)] == ["green.png"]
    assert handlers.removal.remove_all({"ids": "all"})["kind"] == "InvalidSelection"


@pytest.mark.parametrize("data", [None, {}, {"id": 3}, {"id": "f" * 64}, {"id": "../x"}, {"id": ["f" * 64]}])
def test_removing_what_is_not_there_says_so(handlers, library, filled, data):
    notice = handlers.removal.remove(data)
    assert notice["state"] == "error"
    assert notice["detail"] != str(UNEXPECTED)
    assert len(library.browse(0, 9)) == 3


@pytest.mark.parametrize("edits", ["add", "none"])
def test_who_may_not_remove_cannot(library, worker, uploads, filled, edits):
    handlers = PageHandlers.build(library, worker, edits, uploads)
    for notice in (
        handlers.removal.remove({"id": filled["red"]}),
        handlers.removal.remove_all({"ids": [filled["red"]]}),
    ):
        assert notice["kind"] == "NotAllowed"
    assert len(library.browse(0, 9)) == 3


def test_who_may_not_add_cannot(library, worker, uploads, picture):
    handlers = PageHandlers.build(library, worker, "none", uploads)
    given = {"files": [uploaded(uploads, "a.png", picture("red"))]}
    for value, run_id in (handlers.uploads.add(given), handlers.uploads.add_samples(), handlers.uploads.stop(None)):
        assert (value["kind"], run_id) == ("NotAllowed", None)
    assert worker.current() is None


def test_scripts_never_read_a_value_as_html():
    assets = ROOT / "ui" / "assets"
    for path in assets.rglob("*.js"):
        text = path.read_text("utf-8")
        for trap in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert trap not in text, path.name


def test_two_visitors_do_not_share_what_they_look_at(handlers, filled):
    first, _ = handlers.searches.visit({"q": "red"}, SETTINGS)
    second, _ = handlers.searches.visit({"q": "blue"}, SETTINGS)
    assert names(first)[0] == "red.png"
    assert names(second)[0] == "blue.png"


# Another model


def test_the_status_offers_reindexing_to_those_who_may(library, worker, uploads):
    for edits, allowed in (("all", True), ("add", False), ("none", False)):
        handlers = PageHandlers.build(library, worker, edits, uploads)
        assert handlers.status.status()["may_reindex"] is allowed
        for ask in (handlers.status.reindex, handlers.status.stop_reindexing):
            assert (ask().get("kind") == "NotAllowed") is not allowed
    assert worker.reindexing.over.wait(20)


def test_an_idle_page_does_not_ask_its_queue_a_thousand_times_a_second(library, worker):
    assert build_page(library, worker, "all")._queue.sleep_when_free >= 0.01


def test_a_late_answer_of_the_timer_has_no_page_follow_an_earlier_run(library, worker):
    page = build_page(library, worker, "all")
    functions = page.fns.values()
    (timer, run_id) = next(
        (fn.targets[0][0], fn.inputs[0]) for fn in functions if fn.name == "go_on" and fn.targets[0][1] == "tick"
    )
    assert not any(run_id in fn.outputs for fn in functions if (timer, "tick") in fn.targets)


def test_the_timer_goes_on_while_any_run_is_at_work():
    over = ({"state": "done"}, "a run")
    assert [_updated(over, is_busy)[1].active for is_busy in (True, False)] == [True, False]
