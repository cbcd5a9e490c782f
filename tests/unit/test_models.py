"""Checks the chosen model, its fallback, and the way back."""

import threading
from dataclasses import replace

import pytest

from library.errors import UNEXPECTED, ModelUnavailable, StoreUnavailable, UnknownModel
from library.image_library import ImageLibrary
from library.images import content_id
from library.ingest.runs import Worker
from library.models import Models, ModelSource
from library.search.query import Query
from testing.fakes import ColourEncoder, MemoryStore
from testing.pictures import item
from testing.waiting import until

COLOURS = ("red", "green", "blue")


class Network:
    """Provides the chosen model while it is up, and fails while it is down."""

    def __init__(self, up: bool = False) -> None:
        self.up = up
        self.encoder = Counting("chosen")

    def load(self) -> ColourEncoder:
        if not self.up:
            raise ModelUnavailable("The hub cannot be reached.")
        return self.encoder


class Counting(ColourEncoder):
    def __init__(self, name: str) -> None:
        self.info = replace(ColourEncoder.info, name=name)
        self.encoded = 0
        self.go_on = threading.Event()
        self.go_on.set()

    def encode_images(self, images):
        self.go_on.wait(20)
        self.encoded += len(images)
        return super().encode_images(images)


@pytest.fixture
def network():
    return Network()


@pytest.fixture
def opened(store, database, network):
    """Returns a function: opened() gives a library on the same store and database, as a new process would open it."""

    def opened() -> ImageLibrary:
        small = ModelSource("small", lambda: Counting("small"))
        library = ImageLibrary(store, Models(ModelSource("chosen", network.load), small), database)
        library.open()
        return library

    return opened


@pytest.fixture
def offline(opened, picture):
    """Returns a library of three pictures, filled while the network was down."""
    library = opened()
    list(library.add([item(f"{colour}.png", picture(colour)) for colour in COLOURS]))
    return library


def answering(library):
    return library.status().model.info.name


def best(library, text):
    return library.search(Query.of(text)).hits[0].record.name


def ended(work):
    assert work.over.wait(20)
    return work


def test_without_a_network_the_fallback_answers_and_says_why(offline, caplog):
    model = offline.status().model
    assert (model.name, model.info.name, model.is_fallback) == ("chosen", "small", True)
    assert str(model.problem) == "The hub cannot be reached."
    assert best(offline, "red") == "red.png"


def test_the_fallback_is_logged_once(opened, caplog):
    opened()
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "model small answers instead of chosen: The hub cannot be reached."
    ]


@pytest.mark.parametrize("error", [UnknownModel("No such model."), RuntimeError("a bug")])
def test_only_a_network_that_failed_calls_for_the_fallback(store, database, error):
    def fail():
        raise error

    library = ImageLibrary(store, Models(ModelSource("chosen", fail), ModelSource("small", ColourEncoder)), database)
    for ask in (library.open, lambda: library.search(Query.of("red"))):
        with pytest.raises(type(error)):
            ask()
    assert str(library.status().model.problem) == (str(error) if isinstance(error, UnknownModel) else str(UNEXPECTED))
    assert not database.holds(ColourEncoder.info)


def test_without_a_fallback_the_failure_is_the_answer(store, database, network):
    library = ImageLibrary(store, Models(ModelSource("small", network.load)), database)
    with pytest.raises(ModelUnavailable):
        library.open()
    assert str(library.status().model.problem) == "The hub cannot be reached."


def test_reindexing_needs_the_chosen_model(offline):
    with pytest.raises(ModelUnavailable):
        list(offline.reindex())
    assert answering(offline) == "small"


def test_after_reindexing_the_chosen_model_answers_from_its_own_collection(offline, network):
    network.up = True
    receipts = list(offline.reindex())
    assert [receipt.status for receipt in receipts] == ["new"] * 3
    model = offline.status().model
    assert (model.info.name, model.is_fallback) == ("chosen", False)
    assert [best(offline, colour) for colour in COLOURS] == ["red.png", "green.png", "blue.png"]
    assert list(offline.reindex()) == []
    assert network.encoder.encoded == 3


def test_nothing_is_stored_again(offline, network, store, monkeypatch):
    monkeypatch.setattr(MemoryStore, "add", lambda *_: pytest.fail("stored again"))
    network.up = True
    assert len(list(offline.reindex())) == 3


def test_a_library_opened_in_between_answers_from_the_fuller_collection(offline, opened, network):
    network.up = True
    again = opened()
    assert answering(again) == "small" and again.status().model.is_fallback
    list(again.reindex())
    assert answering(opened()) == "chosen"


def test_a_new_library_begins_with_the_chosen_model(opened, network, database):
    network.up = True
    library = opened()
    assert answering(library) == "chosen"
    assert not database.holds(Counting("small").info)


def test_stopped_reindexing_goes_on_where_it_ended(opened, network, picture):
    library = opened()
    list(library.add([item(f"{n}.png", picture((n, 0, 0))) for n in range(70)]))
    network.up = True
    first = [receipt.status for receipt in library.reindex(should_stop=lambda: True)]
    assert 0 < first.count("new") < 70 and answering(library) == "small"
    second = [receipt.status for receipt in library.reindex()]
    assert first.count("new") + second.count("new") == library.count_rows() == 70
    assert answering(library) == "chosen"


def test_a_picture_deleted_meanwhile_stays_deleted(offline, network, picture):
    network.up = True
    network.encoder.encode_images = lambda images: (
        offline.delete([content_id(picture("red"))]),
        ColourEncoder().encode_images(images),
    )[1]
    statuses = sorted(receipt.status for receipt in offline.reindex())
    assert statuses == ["new", "new", "rejected"]
    assert (offline.status().pictures, offline.count_rows()) == (2, 2)


def test_a_damaged_original_does_not_stop_the_rest(offline, network, store, picture):
    kept = store.find(content_id(picture("green")))
    store.add(kept, b"damaged", b"")
    network.up = True
    assert sorted(receipt.status for receipt in offline.reindex()) == ["new", "new", "rejected"]
    assert answering(offline) == "chosen"
    assert offline.status().missing == 1


def test_pictures_added_under_another_model_are_missed(opened, network, picture, store, database):
    other = ImageLibrary(store, Models(ModelSource("other", lambda: Counting("other"))), database)
    other.open()
    list(other.add([item("red.png", picture("red"))]))
    network.up = True
    library = opened()
    assert answering(library) == "chosen" and library.status().missing == 1
    list(library.reindex())
    assert library.status().missing == 0


# In the background


@pytest.fixture
def worker(offline):
    worker = Worker(offline)
    yield worker
    worker.close()


def test_a_second_try_that_fails_says_so_and_a_third_may_succeed(worker, offline, network):
    assert str(ended(worker.reindex()).problem) == "The hub cannot be reached."
    network.up = True
    work = ended(worker.reindex())
    assert (work.state, work.done, work.total) == ("done", 3, 3)
    assert answering(offline) == "chosen"


def test_uploads_pass_and_the_old_collection_answers_meanwhile(worker, offline, network, picture):
    network.up = True
    network.encoder.go_on.clear()
    work = worker.reindex()
    assert worker.reindex() is work
    until(lambda: work.state == "running")
    assert best(offline, "red") == "red.png" and answering(offline) == "small"
    upload = worker.start([item("dark.png", picture((90, 0, 0)))])
    network.encoder.go_on.set()
    assert ended(upload).counts()["new"] == 1
    ended(work)
    assert (work.state, work.done, answering(offline)) == ("done", 4, "chosen")
    assert offline.status().missing == 0


def test_reindexing_that_was_stopped_says_how_far_it_came(worker, offline, network):
    network.up = True
    network.encoder.go_on.clear()
    work = worker.reindex()
    until(lambda: work.state == "running")
    worker.stop_reindexing()
    network.encoder.go_on.set()
    assert ended(work).state == "stopped"
    assert ended(worker.reindex()).state == "done"
    assert network.encoder.encoded == 3


def test_a_store_that_goes_away_ends_it_and_loses_nothing(worker, offline, network, monkeypatch):
    network.up = True
    original = MemoryStore.original

    def gone(*_):
        raise StoreUnavailable("The image store does not answer.")

    monkeypatch.setattr(MemoryStore, "original", gone)
    work = ended(worker.reindex())
    assert (work.state, str(work.problem)) == ("failed", "The image store does not answer.")
    assert answering(offline) == "small"
    monkeypatch.setattr(MemoryStore, "original", original)
    assert ended(worker.reindex()).state == "done"
