"""Checks that large pictures wait for each other, and ordinary ones for nobody."""

import threading
from io import BytesIO

import pytest
from PIL import Image

from library import images
from library.decoding.pixel_budget import PHOTO, SMALL, UNCOUNTED, PixelBudget, pixel_budget
from library.errors import RejectedImage
from library.images import decode


def taking(place, pixels, order, name):
    """Returns a thread that takes its room, notes its name and keeps the room until its event is set."""
    leave = threading.Event()

    def reservation():
        with place.reservation() as reservation:
            reservation.take(pixels)
            order.append(name)
            leave.wait(10)

    thread = threading.Thread(target=reservation, daemon=True)
    thread.start()
    return thread, leave


def settled(condition):
    for _ in range(500):
        if condition():
            return True
        threading.Event().wait(0.01)
    return False


def test_pictures_wait_in_order_until_there_is_room():
    place, order = PixelBudget(10 * SMALL), []
    first, leave_first = taking(place, 8 * SMALL, order, "large")
    assert settled(lambda: order == ["large"])
    second, leave_second = taking(place, 99 * SMALL, order, "larger than all room")
    assert settled(lambda: len(place._waiting) == 1)
    third, leave_third = taking(place, 2 * SMALL, order, "would fit beside the first")
    assert settled(lambda: len(place._waiting) == 2) and order == ["large"]
    for thread, leave in ((first, leave_first), (second, leave_second), (third, leave_third)):
        leave.set()
        thread.join(10)
    assert order == ["large", "larger than all room", "would fit beside the first"]
    assert place._free == 10 * SMALL


def test_a_small_picture_takes_none_and_a_large_one_takes_it_once():
    place = PixelBudget(3 * SMALL)
    with place.reservation() as reservation:
        reservation.take(UNCOUNTED)
        assert place._free == 3 * SMALL
        for _ in range(2):
            reservation.take(2 * SMALL)
        assert place._free == SMALL
    assert place._free == 3 * SMALL


def test_a_picture_that_turns_out_to_need_more_comes_before_those_that_wait():
    place, order = PixelBudget(10 * SMALL), []
    first, leave_first = taking(place, 6 * SMALL, order, "first")
    assert settled(lambda: order == ["first"])
    with place.reservation() as reservation:
        reservation.take(4 * SMALL)
        waiting, leave_waiting = taking(place, 5 * SMALL, order, "waiting")
        assert settled(lambda: len(place._waiting) == 1)
        leave_waiting.set()
        threading.Timer(0.01, leave_first.set).start()
        reservation.raise_to(8 * SMALL)
        assert order == ["first"] and place._free == 2 * SMALL
    for thread in (first, waiting):
        thread.join(10)
    assert place._free == 10 * SMALL


def test_room_is_given_back_after_whatever_happens(monkeypatch):
    encoded = BytesIO()
    Image.new("L", (5_000, 4_000)).save(encoded, "PNG", compress_level=1)
    taken, place = [], pixel_budget().photos
    monkeypatch.setattr(images, "to_srgb", lambda *_: taken.append(place._free) or 1 / 0)
    before = place._free
    with pytest.raises(RejectedImage):
        decode(encoded.getvalue())
    assert before - 21_000_000 < taken[0] <= before - 20_000_000 and place._free == before


def test_photos_have_a_bound_together_and_do_not_wait_for_large_pictures():
    place, order = PixelBudget(3 * PHOTO, PixelBudget(PHOTO)), []
    large, leave_large = taking(place, 3 * PHOTO, order, "large")
    assert settled(lambda: order == ["large"])
    first, leave_first = taking(place, PHOTO, order, "beside it")
    assert settled(lambda: order == ["large", "beside it"])
    second, leave_second = taking(place, PHOTO, order, "after the first")
    assert settled(lambda: len(place.photos._waiting) == 1) and len(order) == 2
    for thread, leave in ((first, leave_first), (large, leave_large), (second, leave_second)):
        leave.set()
        thread.join(10)
    assert len(order) == 3 and (place._free, place.photos._free) == (3 * PHOTO, PHOTO)


def test_photos_take_the_room_of_large_pictures_where_nobody_waits_for_it():
    place, order = PixelBudget(2 * PHOTO, PixelBudget(PHOTO)), []
    all_at_once = [taking(place, PHOTO, order, number) for number in range(3)]
    assert settled(lambda: len(order) == 3) and place._free == place.photos._free == 0
    for thread, leave in all_at_once:
        leave.set()
        thread.join(10)
    assert (place._free, place.photos._free) == (2 * PHOTO, PHOTO)
