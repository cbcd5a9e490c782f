import threading

import pytest

from library.errors import InvalidQuery
from library.images import MAX_FILE_BYTES
from library.ingest import stages
from library.ingest.items import Item
from library.running.budget import MOST_LOOKED_AT, Account, Budget, budget, looked_at
from library.running.work import Interrupted
from testing.pictures import item
from ui.uploaded_files import room_for


def test_a_run_waits_until_its_own_files_have_been_given_back():
    shared = Budget(10)
    account = Account(shared)
    first = account.try_take(8)
    assert account.try_take(3) is None
    threading.Timer(0.01, first.give_back).start()
    account.take(3, lambda: False)
    assert shared.free == 7


def test_a_run_that_holds_nothing_waits_for_no_other_run():
    shared = Budget(10)
    one, other = Account(shared), Account(shared)
    one.try_take(8)
    assert other.try_take(100)
    assert other.try_take(1) is None
    other.close()
    one.close()
    assert shared.free == 10


def test_what_a_file_turns_out_to_have_is_what_counts():
    shared = Budget(10)
    account = Account(shared)
    lease = account.try_take(8)
    lease.correct(2)
    assert account.try_take(8)
    assert shared.free == 0


def test_a_run_that_is_stopped_waits_no_longer():
    account = Account(Budget(10))
    account.try_take(10)
    with pytest.raises(Interrupted):
        account.take(1, lambda: True)


class Reads:
    """Makes files that say to be large, and lets none be read beside another one."""

    def __init__(self, picture):
        self._picture = picture
        self._reading = threading.Lock()

    def read(self, number):
        assert self._reading.acquire(blocking=False)
        data = self._picture((number, 0, 0))
        self._reading.release()
        return data

    def items(self, count):
        sizes = {"size": MAX_FILE_BYTES}
        return [Item(f"{n}.png", f"{n}.png", lambda n=n: self.read(n), **sizes) for n in range(count)]


def test_files_that_fill_the_memory_are_read_one_after_the_other_and_all_come_in(library, picture):
    free = budget().free
    receipts = list(library.add(Reads(picture).items(5)))
    assert [receipt.status for receipt in receipts] == ["new"] * 5
    assert budget().free == free


def test_files_of_which_one_fits_beside_no_other_come_in_one_by_one(library, picture, monkeypatch):
    small = Budget(100)
    monkeypatch.setattr(stages, "budget", lambda: small)
    pictures = [picture((n, 0, 0)) for n in range(7)]
    files = [item(f"{n}.png", data, size=len(data)) for n, data in enumerate(pictures)]
    assert [receipt.status for receipt in library.add([*files, *files])] == ["new"] * 7 + ["duplicate"] * 7
    assert small.free == 100


def test_a_run_that_nobody_follows_any_longer_gives_back_what_it_holds(library, picture):
    free = budget().free
    receipts = library.add(Reads(picture).items(40))
    next(receipts)
    receipts.close()
    assert budget().free == free


def test_a_run_that_is_stopped_while_it_waits_has_a_receipt_for_every_file(library, picture):
    receipts = list(library.add(Reads(picture).items(6), should_stop=lambda: True))
    assert len(receipts) == 6
    assert {receipt.status for receipt in receipts} <= {"new", "skipped"}


def test_large_pictures_to_search_with_are_held_in_turn_and_small_ones_at_once():
    begun, seen = threading.Event(), []

    def search():
        begun.set()
        with looked_at(MOST_LOOKED_AT):
            seen.append("second")

    with looked_at(MOST_LOOKED_AT // 2 + 1):
        waiting = threading.Thread(target=search)
        waiting.start()
        assert begun.wait(20)
        with looked_at(1 << 20):
            seen.append("small")
        seen.append("first")
    waiting.join(20)
    assert seen == ["small", "first", "second"]


def test_more_pictures_to_search_with_than_there_is_room_for_are_refused():
    with pytest.raises(InvalidQuery, match="more than 192 MB together"):
        room_for(MOST_LOOKED_AT + 1)
