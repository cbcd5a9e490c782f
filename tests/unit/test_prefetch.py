"""Checks stages that work ahead of each other, and end when nobody wants their results."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from library.ingest.prefetch import prefetch, prefetch_map


def count(made, closed=None):
    try:
        for number in range(1000):
            made.append(number)
            yield number
    finally:
        if closed is not None:
            closed.set()


def test_the_items_come_as_they_are_and_in_order():
    assert list(prefetch(count([]), 3)) == list(range(1000))


def test_it_is_no_further_ahead_than_asked():
    made = []
    with closing(prefetch(count(made), 2)) as items:
        for item in items:
            assert len(made) <= item + 1 + 2 + 1
            if item == 100:
                break


def test_it_works_while_the_consumer_does_something_else():
    begun = threading.Event()

    def items():
        yield 1
        begun.set()
        yield 2

    with closing(prefetch(items(), 1)) as both:
        assert next(both) == 1
        assert begun.wait(20)


def test_what_the_source_raises_comes_after_what_it_made():
    def items():
        yield 1
        raise ValueError("broken")

    both = prefetch(items(), 5)
    assert next(both) == 1
    with pytest.raises(ValueError, match="broken"):
        next(both)


def test_closing_ends_the_thread_and_closes_the_source():
    closed = threading.Event()
    before = set(threading.enumerate())
    with closing(prefetch(count([], closed), 1)) as items:
        next(items)
    assert closed.is_set() and set(threading.enumerate()) <= before


def test_a_map_ahead_keeps_the_order_and_bounds_what_is_under_way():
    begun, gate = [], threading.Event()

    def slow(number):
        begun.append(number)
        gate.wait(20)
        return number * number

    with ThreadPoolExecutor(8) as pool:
        squares = prefetch_map(slow, range(100), pool, 5)
        threading.Timer(0.1, gate.set).start()
        assert next(squares) == 0
        assert len(begun) <= 5
        assert list(squares) == [number * number for number in range(1, 100)]
