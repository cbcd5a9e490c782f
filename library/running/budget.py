"""Bounds how many bytes of files are in memory at once, in all runs and searches of the process together."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from library.decoding.pixel_budget import PixelBudget
from library.running.work import Interrupted

MOST_LOOKED_AT = 192 << 20  # bytes of pictures to search with and of originals to be shown
MOST_HELD = 384 << 20  # bytes: the largest file, and the next few batches of ordinary ones
ASK_EVERY = 0.2  # seconds between two looks at whether to go on waiting


class Budget:
    """Limits how many bytes of files all runs hold in memory together.

    A run that holds nothing does not wait, so that no run ever waits for another one to end.
    """

    def __init__(self, most: int = MOST_HELD) -> None:
        self.changed = threading.Condition()
        self.free = most  # less than nothing while a run that held nothing has begun a large file


class Account:
    """Counts the bytes that one run holds, and takes them from the budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._held = 0

    def try_take(self, size: int) -> "Reservation | None":
        """Returns a reservation of `size` bytes, or None where the budget has no room for them now."""
        with self._budget.changed:
            return self._taken(size) if self._has_room(size) else None

    def take(self, size: int, gives_up: Callable[[], bool]) -> "Reservation":
        """Waits until the budget has room for `size` bytes, and returns a reservation of them. Raises Interrupted."""
        with self._budget.changed:
            while not self._has_room(size):
                if gives_up():
                    raise Interrupted
                self._budget.changed.wait(ASK_EVERY)
            return self._taken(size)

    def spend(self, size: int) -> None:
        """Adds bytes to what the run holds, or subtracts them, without waiting."""
        with self._budget.changed:
            self._held += size
            self._budget.free -= size
            self._budget.changed.notify_all()

    def close(self) -> None:
        """Gives back all bytes that the run still holds, as where it ends amid its files."""
        self.spend(-self._held)

    def _has_room(self, size: int) -> bool:
        return self._budget.free >= size or not self._held

    def _taken(self, size: int) -> "Reservation":
        self.spend(size)
        return Reservation(self, size)


class Reservation:
    """Holds the bytes of one file in the budget until they are given back."""

    def __init__(self, account: Account, size: int) -> None:
        self._account = account
        self._size = size

    def correct(self, size: int) -> None:
        """Changes the reservation to the number of bytes that the file turned out to have."""
        self._account.spend(size - self._size)
        self._size = size

    def give_back(self) -> None:
        self.correct(0)


@contextmanager
def looked_at(size: int) -> Iterator[None]:
    """Holds room for the pictures of one search or preview within the block, and waits for it first.

    Pictures that take more than the budget wait until they have all of it.
    """
    with _room_to_look().reservation() as reservation:
        reservation.take(size)
        yield


@cache
def _room_to_look() -> PixelBudget:
    return PixelBudget(MOST_LOOKED_AT)


@cache
def budget() -> Budget:
    """Returns the budget of this process."""
    return Budget()
