"""Requests the same value twice at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from library.running.single_flight import SingleFlight
from ui.media import Previews


class Key(str):
    """Sets an event when it is compared with an equal key, whose value is being made."""

    __hash__ = str.__hash__
    met = threading.Event()

    def __eq__(self, other):
        self.met.set()
        return str.__eq__(self, other)


@pytest.fixture
def twice():
    """Requests the value on two threads, on the second while the first makes it."""
    Key.met = met = threading.Event()
    begun = threading.Event()

    def make(outcome):
        begun.set()
        met.wait()
        return outcome()

    def ask(get):
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(get, Key("a"))
            begun.wait()
            return first, pool.submit(get, Key("a"))

    return make, ask


def test_who_asks_meanwhile_gets_the_same(twice):
    make, ask = twice
    flight, made = SingleFlight(), []
    first, second = ask(lambda key: flight.get(key, lambda: make(lambda: made.append(1) or object())))
    assert first.result() is second.result()
    assert made == [1]


def test_an_error_is_everyones_and_not_kept(twice):
    make, ask = twice
    flight = SingleFlight()

    def fail():
        raise ValueError

    for each in ask(lambda key: flight.get(key, lambda: make(fail))):
        assert isinstance(each.exception(), ValueError)
    assert flight.get("a", lambda: 1) == 1


def test_a_preview_that_several_ask_for_is_decoded_once(twice, library, monkeypatch):
    make, ask = twice
    made = []
    monkeypatch.setattr(library.pictures, "preview", lambda id: make(lambda: made.append(id) or b"jpeg"))
    first, second = ask(Previews(library).get)
    assert (first.result(), second.result(), len(made)) == (b"jpeg", b"jpeg", 1)
