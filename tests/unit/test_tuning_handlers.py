"""Checks tuning and evaluations as the page gets them: plain values, and rights where something begins."""

import json

import pytest

from db.files.evaluations import EvaluationFiles
from library.image_library import ImageLibrary
from library.images import content_id
from library.jobs import JobRunner
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.pictures import item
from ui.handlers.evaluation import MeasuringHandlers


@pytest.fixture
def filled(picture):
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
    list(library.add([item(f"{n}.png", picture(f"#{n:02x}4080")) for n in range(12)]))
    return library


@pytest.fixture
def runner():
    return JobRunner("tuning")


@pytest.fixture
def handlers(filled, runner):
    return MeasuringHandlers(filled, runner, "all")


def measured(handlers, runner):
    handlers.measure()
    assert runner.latest.over.wait(60)
    return handlers.tuning()


def test_nothing_is_measured_until_somebody_asks(handlers):
    value = handlers.tuning()
    assert (value["state"], value["result"], value["may"], value["chosen"]) == ("none", None, True, None)


def test_a_measurement_is_told_as_json_with_a_suggestion(handlers, runner):
    value = json.loads(json.dumps(measured(handlers, runner)))
    assert value["state"] == "done" and value["done"] == value["total"]
    assert value["result"]["suggested"] == 1  # the collection of the tests is always exact
    assert value["result"]["steps"][0] | {"milliseconds": {}} == {
        "nprobe": 1,
        "recall": {"text": 1.0, "picture": 1.0},
        "milliseconds": {},
    }


def test_the_suggestion_is_kept_and_taken_back(handlers, runner, filled):
    measured(handlers, runner)
    assert handlers.choose({"suggested": True})["chosen"] == 1
    assert filled.status().index.nprobe == 1
    assert handlers.choose({})["chosen"] is None


def test_nothing_can_be_kept_that_was_not_measured(handlers):
    value = handlers.choose({"suggested": True})
    assert value["state"] == "failed" and value["problem"] == "Nothing was measured yet: measure first."


@pytest.mark.parametrize("data", [None, 3, [], {"suggested": "yes"}, {"nprobe": 7}])
def test_whatever_a_client_sends_no_other_number_is_kept(handlers, runner, filled, data):
    measured(handlers, runner)
    handlers.choose(data)
    assert filled.status().index.nprobe_is_chosen is False


@pytest.mark.parametrize("edits", ["add", "none"])
def test_costly_work_and_choices_need_all_rights(filled, runner, edits):
    handlers = MeasuringHandlers(filled, runner, edits)
    for value in (handlers.measure(), handlers.stop(), handlers.choose({"suggested": True}), handlers.choose({})):
        assert value["state"] == "failed" and f"EDITS={edits}" in value["problem"]
    assert runner.latest is None and handlers.tuning()["may"] is False


def test_what_cannot_be_measured_is_said(picture):
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
    runner = JobRunner("tuning")
    value = measured(MeasuringHandlers(library, runner, "all"), runner)
    assert value["state"] == "failed" and "no searchable pictures" in value["problem"]


# Evaluations


def kept(folder, count=3, **fields):
    files = EvaluationFiles(folder)
    for day in range(1, count + 1):
        files.add({"at": f"2026-01-0{day}T00:00:00Z", "source": "photos", "models": [{"model": "small"}], **fields})
    return files


def test_the_newest_evaluation_is_shown_or_the_one_that_is_named(filled, runner, tmp_path):
    handlers = MeasuringHandlers(filled, runner, "all", kept(tmp_path))
    value = handlers.evaluations({})
    assert value["shown"]["at"] == "2026-01-03T00:00:00Z"
    assert [each["at"][:10] for each in value["kept"]] == ["2026-01-03", "2026-01-02", "2026-01-01"]
    assert value["kept"][0] | {"at": ""} == {"at": "", "source": "photos", "models": ["small"]}
    assert handlers.evaluations({"at": "2026-01-01T00:00:00Z"})["shown"]["at"] == "2026-01-01T00:00:00Z"
    assert handlers.evaluations({"at": "../../etc/passwd"})["shown"]["at"] == "2026-01-03T00:00:00Z"


def test_without_evaluations_there_is_nothing_to_show(handlers):
    value = handlers.evaluations(None)
    assert (value["kept"], value["shown"]) == ([], None)


def test_visitors_see_only_those_pictures_of_an_evaluation_that_the_library_shows(filled, runner, tmp_path, picture):
    known, unknown = content_id(picture("#014080")), content_id(b"elsewhere")
    files = kept(tmp_path, 1, icons={known: "AA", unknown: "BB"})
    everything = MeasuringHandlers(filled, runner, "all", files).evaluations({})["shown"]["icons"]
    shown = MeasuringHandlers(filled, runner, "none", files).evaluations({})["shown"]["icons"]
    assert (set(everything), set(shown)) == ({known, unknown}, {known})
