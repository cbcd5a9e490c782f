"""Uses several models over one store: each searched by name, encoded for in the background, let go when idle."""

import gc
import threading
from dataclasses import replace

import pytest

from library.errors import IndexUnavailable, ModelUnavailable, UnknownCollection, UnknownModel
from library.image_library import ImageLibrary
from library.ingest.runs import Worker
from library.models import Models, ModelSource
from library.search.query import Query
from testing.fakes import ColourEncoder
from testing.pictures import item
from testing.waiting import until
from ui.handlers.models import ModelHandlers
from ui.handlers.page import PageHandlers
from ui.handlers.search import SearchSettings
from ui.views import View

THREE, TWO = (SearchSettings(limit, "Automatic", 8, 0) for limit in (3, 2))
COLOURS = ("red", "green", "blue")


class Named(ColourEncoder):
    def __init__(self, name: str) -> None:
        self.info = replace(ColourEncoder.info, name=name)


class Muddled(Named):
    """Encodes green as red."""

    def encode_images(self, images):
        return super().encode_images(images)[:, [1, 0, 2]]


class Held(Named):
    """Waits in its first batch, and counts the pictures it has encoded."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.begun, self.go_on = threading.Event(), threading.Event()

    def encode_images(self, images):
        self.begun.set()
        assert self.go_on.wait(20)
        return super().encode_images(images)


class Shelf:
    """Provides models, counts how often each was fetched, and says which cannot be had."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        self.problems: dict[str, Exception] = {}
        self.open = threading.Event()
        self.open.set()

    def source(self, name: str, kind: type[Named] = Named) -> ModelSource:
        def load() -> Named:
            assert self.open.wait(20)
            self.fetched.append(name)
            if name in self.problems:
                raise self.problems[name]
            return kind(name)

        return ModelSource(name, load)


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def models(shelf):
    return Models(shelf.source("first"), None, [shelf.source("second", Muddled)])


@pytest.fixture
def library(store, database, models, picture):
    """Returns three pictures, encoded for the first of two models."""
    library = ImageLibrary(store, models, database)
    library.open()
    list(library.add([item(f"{colour}.png", picture(colour)) for colour in COLOURS]))
    return library


@pytest.fixture
def worker(library):
    worker = Worker(library)
    yield worker
    worker.close()


@pytest.fixture
def page(library, worker, tmp_path):
    return PageHandlers.build(library, worker, "all", tmp_path)


@pytest.fixture
def panel(library, worker):
    return ModelHandlers(library, worker, "all")


def best(library, text, model=""):
    return library.search(Query.of(text, model=model)).hits[0].record.name


def collection_of(panel, model):
    return next(each for each in panel.view()["collections"] if each["of"] == model)


def test_each_model_answers_in_its_own_words(library):
    list(library.reindex(model="second"))
    assert [best(library, "red", model) for model in ("", "first", "second")] == ["red.png", "red.png", "green.png"]


def test_encoding_for_a_further_model_leaves_the_answers_to_the_first(library):
    assert len(library.importer.missing("second")) == 3
    list(library.reindex(model="second"))
    assert (library.importer.missing("second"), library.status().model.info.name) == ([], "first")


def test_a_model_that_has_encoded_nothing_finds_nothing(library):
    assert library.search(Query.of("red", model="second")).hits == []


def test_a_model_that_is_not_offered_is_refused_with_those_that_are(library):
    with pytest.raises(UnknownModel, match=r"third is not offered here\. These are: first, second"):
        library.search(Query.of("red", model="third"))


def test_a_model_that_cannot_be_had_leaves_the_first_answering(library, shelf):
    shelf.problems["second"] = ModelUnavailable("The hub cannot be reached.")
    for ask in (lambda: library.search(Query.of("red", model="second")), lambda: list(library.reindex(model="second"))):
        with pytest.raises(ModelUnavailable):
            ask()
    assert best(library, "red") == "red.png"
    assert [each.name for each in library.collections.stored()] == [f"first_{ColourEncoder.info.fingerprint}"]


def test_pictures_deleted_are_gone_for_every_model(library):
    list(library.reindex(model="second"))
    library.delete([library.search(Query.of("red")).hits[0].record.content_id])
    assert [each.rows for each in library.collections.stored()] == [2, 2]


def test_a_dropped_collection_is_encoded_anew(library):
    list(library.reindex(model="second"))
    name = next(each.name for each in library.collections.stored() if each.model == "second")
    library.collections.drop(name)
    assert [each.model for each in library.collections.stored()] == ["first"]
    assert len(list(library.reindex(model="second"))) == 3


def test_the_collection_that_answers_cannot_be_dropped(library):
    [only] = library.collections.stored()
    with pytest.raises(UnknownCollection, match="is the collection that searches use"):
        library.collections.drop(only.name)
    assert library.collections.stored() == [only]


def test_a_model_that_nobody_asks_for_is_let_go_and_comes_back(store, database, shelf):
    models = Models(shelf.source("first"), None, [shelf.source("second")], release_after=0.05)
    library = ImageLibrary(store, models, database)
    library.open()
    models.named("second")
    until(lambda: library.models.offered()[1].state == "away")
    assert library.models.offered()[0].state == "in memory"
    assert models.named("second").info.name == "second"
    assert shelf.fetched == ["first", "second", "second"]


def test_a_model_that_somebody_works_with_is_not_fetched_twice(shelf):
    models = Models(shelf.source("first"), None, [shelf.source("second")], release_after=0.01)
    held = models.named("second")
    until(lambda: models._others["second"]._encoder is None)
    assert models.named("second") is held
    assert shelf.fetched == ["second"]


def test_the_fallback_is_let_go_once_the_chosen_model_answers(store, database, shelf):
    shelf.problems["first"] = ModelUnavailable("The hub cannot be reached.")
    models = Models(shelf.source("first"), shelf.source("small"), release_after=0.01)
    library = ImageLibrary(store, models, database)
    library.open()
    shelf.problems.clear()
    list(library.reindex())
    gc.collect()
    until(lambda: models._fallback._alive() is None)
    assert library.status().model.info.name == "first"


def test_the_page_waits_while_a_model_loads_and_the_library_answers_meanwhile(page, shelf):
    shelf.open.clear()
    assert page.searches.show(replace(View.of("red"), model="second"), THREE)["state"] == "waiting"
    until(lambda: page.status.status()["models"][1]["state"] == "loading")
    assert page.searches.show(View.of("red"), THREE)["items"][0]["name"] == "red.png"
    shelf.open.set()
    until(lambda: page.status.status()["models"][1]["state"] == "in memory")
    assert page.searches.show(replace(View.of("red"), model="second"), THREE)["state"] == "none"


def test_the_page_says_why_a_model_cannot_be_had_and_tries_again_when_asked_again(page, shelf):
    shelf.problems["second"] = UnknownModel("The weights are incomplete.")
    wanted = replace(View.of("red"), model="second")
    assert page.searches.show(wanted, THREE)["state"] == "waiting"
    until(lambda: page.status.status()["models"][1]["problem"])
    assert page.searches.show(wanted, THREE)["detail"] == "The weights are incomplete."
    shelf.problems.clear()
    until(lambda: page.searches.show(wanted, THREE)["state"] == "none")


def test_a_bug_in_a_model_is_told_in_one_sentence(page, shelf):
    shelf.problems["second"] = RuntimeError("a bug")
    wanted = replace(View.of("red"), model="second")
    until(lambda: page.searches.show(wanted, THREE)["state"] == "error")
    assert page.searches.show(View.of("red"), THREE)["state"] == "results"


def test_two_models_answer_beside_each_other_with_what_both_found(library, page):
    list(library.reindex(model="second"))
    value = page.searches.show(replace(View.of("red"), against="second"), TWO)
    beside = value["beside"]
    names = [[each["name"] for each in side["items"]] for side in (value, beside)]
    common = set(names[0]) & set(names[1])
    assert beside["models"] == ["first", "second"]
    assert (names[0][0], names[1][0]) == ("red.png", "green.png")
    assert len(beside["in_both"]) == len(common)
    for id, rank, other in beside["in_both"]:
        assert value["items"][rank - 1]["id"] == beside["items"][other - 1]["id"] == id


def test_where_the_other_model_cannot_be_had_the_first_answers_and_it_is_said_why(page, shelf):
    shelf.problems["second"] = UnknownModel("The weights are incomplete.")
    wanted = replace(View.of("red"), against="second")
    assert page.searches.show(wanted, TWO)["state"] == "waiting"
    until(lambda: page.status.status()["models"][1]["problem"])
    value = page.searches.show(wanted, TWO)
    assert (value["state"], value["notes"]) == ("results", ["The weights are incomplete."])
    assert (value["items"][0]["name"], "beside" in value) == ("red.png", False)
    assert page.searches.addressed({"address": "?q=red&against=second"}).against == "second"
    shelf.problems.clear()
    until(lambda: "beside" in page.searches.show(wanted, TWO))


def test_where_the_collection_of_the_other_model_does_not_answer_the_first_is_alone(library, page, monkeypatch):
    search = library.search

    def answer(query):
        if query.model == "second":
            raise IndexUnavailable("The collection holds vectors of 8 numbers, the model makes 4.")
        return search(query)

    list(library.reindex(model="second"))
    monkeypatch.setattr(library, "search", answer)
    value = page.searches.show(replace(View.of("red"), against="second"), TWO)
    assert (value["state"], "beside" in value) == ("results", False)
    assert value["notes"] == ["The collection holds vectors of 8 numbers, the model makes 4."]


def test_the_models_stay_chosen_for_the_next_question_and_in_its_address(page, panel):
    chosen = panel.chosen(View.of("red"), {"model": "second", "against": "first"})
    wanted = page.searches.in_box({"text": "blue"}, chosen)
    assert (wanted.model, wanted.against) == ("second", "first")
    address = page.searches.addressed({"address": "?q=red&model=second&against=first"})
    assert (address.model, address.against) == ("second", "first")


def test_a_model_is_not_compared_with_itself(panel):
    assert panel.chosen(View.of("red"), {"model": "second", "against": "second"}).against == ""


def test_the_panel_tells_what_each_model_has_encoded(library, panel, worker):
    first = collection_of(panel, "first")
    assert (first["rows"], first["missing"], first["dim"], first["bytes"], first["answers"]) == (3, 0, 3, 36, True)
    panel.encode({"model": "second"})
    assert worker.reindexing.over.wait(20)
    assert (worker.reindexing.model, worker.reindexing.counts["new"]) == ("second", 3)
    second = collection_of(panel, "second")
    assert (second["rows"], second["answers"]) == (3, False)
    assert panel.drop({"collection": second["name"]})["problem"] is None
    assert [each["of"] for each in panel.view()["collections"]] == ["first"]


def test_nothing_is_dropped_while_pictures_are_encoded(library, panel, worker, shelf):
    list(library.reindex(model="second"))
    name = collection_of(panel, "second")["name"]
    library.models._others["second"]._encoder = None
    library.models._others["second"]._alive = lambda: None
    shelf.open.clear()
    panel.encode({"model": "second"})
    assert "stop that before a collection is dropped" in panel.drop({"collection": name})["problem"]
    shelf.open.set()
    assert worker.reindexing.over.wait(20)
    assert collection_of(panel, "second")["rows"] == 3


@pytest.mark.parametrize("edits", ["add", "none"])
def test_who_may_not_change_things_only_chooses(library, worker, edits):
    panel = ModelHandlers(library, worker, edits)
    [only] = library.collections.stored()
    for ask in (
        lambda: panel.encode({"model": "second"}),
        panel.stop,
        lambda: panel.drop({"collection": only.name}),
    ):
        assert f"EDITS={edits}" in ask()["problem"]
    assert worker.reindexing is None
    assert library.collections.stored() == [only]


def test_encoding_for_a_further_model_is_stopped_and_goes_on_where_it_ended(store, database, shelf, picture):
    second = Held("second")
    models = Models(shelf.source("first"), None, [ModelSource("second", lambda: second)])
    library = ImageLibrary(store, models, database)
    library.open()
    list(library.add([item(f"{n}.png", picture((n, 0, 0))) for n in range(120)]))
    worker = Worker(library)
    panel = ModelHandlers(library, worker, "all")
    panel.encode({"model": "second"})
    assert second.begun.wait(20)
    assert panel.view()["reindexing"] == {
        "state": "encoding",
        "total": 120,
        "done": 0,
        "stopping": False,
        "problem": None,
        "model": "second",
    }
    assert len(library.search(Query.of("red")).hits) == 24
    panel.stop()
    second.go_on.set()
    assert worker.reindexing.over.wait(20)
    assert worker.reindexing.state == "stopped"
    done = worker.reindexing.counts["new"]
    assert 0 < done < 120
    assert collection_of(panel, "second")["rows"] == done
    panel.encode({"model": "second"})
    assert worker.reindexing.over.wait(20)
    assert (worker.reindexing.counts["new"], collection_of(panel, "second")["rows"]) == (120 - done, 120)
    worker.close()
