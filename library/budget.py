"""Bounds how many bytes of files are in memory at once, in all runs and searches of the process together."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from library.decoding.room import Room
from library.work import Interrupted

MOST_LOOKED_AT = 192 << 20  # bytes of pictures to search with and of originals to be shown
MOST_HELD = 384 << 20  # bytes: the largest file, and the next few batches of ordinary ones
ASK_EVERY = 0.2  # seconds between two looks at whether to go on waiting


class Budget:
    """Lends bytes to runs. One that holds nothing waits for nobody, so that no run ever waits for another one's end."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self.changed = threading.Condition()
        self.free = most  # less than nothing while a run that held nothing has begun a large file


class Account:
    """Counts what one run holds."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._held = 0

    def try_take(self, size: int) -> "Reservation | None":
        """Returns what stands for so many bytes; None where there is no room for them now."""
        with self._budget.changed:
            return self._taken(size) if self._has_room(size) else None

    def take(self, size: int, gives_up: Callable[[], bool]) -> "Reservation":
        """Waits for the room, which comes as what the run holds is given back. Raises Interrupted."""
        with self._budget.changed:
            while not self._has_room(size):
                if gives_up():
                    raise Interrupted
                self._budget.changed.wait(ASK_EVERY)
            return self._taken(size)

    def spend(self, size: int) -> None:
        """Counts so many bytes more, or fewer, without waiting."""
        with self._budget.changed:
            self._held += size
            self._budget.free -= size
            self._budget.changed.notify_all()

    def close(self) -> None:
        """Gives back all that is held still, as where a run ends amid its files."""
        self.spend(-self._held)

    def _has_room(self, size: int) -> bool:
        return self._budget.free >= size or not self._held

    def _taken(self, size: int) -> "Reservation":
        self.spend(size)
        return Reservation(self, size)


class Reservation:
    """Stands for the bytes of one file."""

    def __init__(self, account: Account, size: int) -> None:
        self._account = account
        self._size = size

    def correct(self, size: int) -> None:
        """Says how many bytes the file turned out to have."""
        self._account.spend(size - self._size)
        self._size = size

    def give_back(self) -> None:
        self.correct(0)


@contextmanager
def looked_at(size: int) -> Iterator[None]:
    """Waits until there is room for the pictures of one search, or of one preview, and holds it. What takes more than
    there is has it to itself."""
    with _room_to_look().reservation() as reservation:
        reservation.take(size)
        yield


@cache
def _room_to_look() -> Room:
    return Room(MOST_LOOKED_AT)


@cache
def budget() -> Budget:
    """Returns the budget of this process."""
    return Budget()
