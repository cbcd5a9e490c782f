"""Limits how many pixels are decoded at the same time, in all imports, searches and previews together."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from library.work import check_stop

MOST_AT_ONCE = 200_000_000  # ordinary pixels, of 5 bytes each: a gigabyte
ASK_EVERY = 0.2  # seconds between two looks at whether to go on waiting
SMALL = 16_000_000  # what is not counted: ordinary photos are to wait for nobody


class PixelBudget:
    """Limits how many pixels are decoded at once; pictures wait in the order in which they asked."""

    def __init__(self, pixels: int = MOST_AT_ONCE) -> None:
        self._all = pixels
        self._free = pixels
        self._changed = threading.Condition()
        self._waiting: list[object] = []

    @contextmanager
    def reservation(self) -> Iterator["PixelReservation"]:
        """Yields the reservation of one picture, through which it takes pixels; all are given back at the end."""
        reservation = PixelReservation(self)
        try:
            yield reservation
        finally:
            self.give_back(reservation.pixels)

    def take(self, pixels: int, is_begun: bool = False) -> int:
        """Waits for pixels, and returns how many were taken: a picture larger than the budget takes all of it, and one
        that is begun, and holds memory, comes before all others.

        Raises Interrupted where the run that it is for is to stop.
        """
        wanted, ticket = min(pixels, self._all), object()
        with self._changed:
            self._waiting.insert(0 if is_begun else len(self._waiting), ticket)
            try:
                while not (self._waiting[0] is ticket and self._free >= wanted):
                    check_stop()
                    self._changed.wait(ASK_EVERY)
                self._free -= wanted
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        return wanted

    def give_back(self, pixels: int) -> None:
        with self._changed:
            self._free += pixels
            self._changed.notify_all()


class NeedsMorePixels(BaseException):
    """Says that a picture takes more pixels than it was given.

    It is a BaseException, so that no code that rescues damaged files catches it.
    """

    def __init__(self, pixels: int) -> None:
        super().__init__(pixels)
        self.pixels = pixels


class PixelReservation:
    """Holds the pixels that one picture takes of the budget while it is decoded."""

    def __init__(self, budget: PixelBudget) -> None:
        self.pixels = 0
        self._budget = budget

    def take(self, pixels: int) -> None:
        """Waits for the pixels of a large picture, once: one that held some could wait for more for ever."""
        if pixels > SMALL and not self.pixels:
            self.pixels = self._budget.take(pixels)

    def raise_to(self, pixels: int) -> None:
        """Takes more pixels for a picture that turns out to need them amid its decoding."""
        if pixels > max(SMALL, self.pixels):
            self._budget.give_back(self.pixels)
            self.pixels = 0
            self.pixels = self._budget.take(pixels, is_begun=True)

    def exchange(self, pixels: int) -> None:
        """Gives back what the picture holds, then waits for `pixels`."""
        self._budget.give_back(self.pixels)
        self.pixels = 0
        self.take(pixels)


@cache
def pixel_budget() -> PixelBudget:
    """Returns the budget of this process."""
    return PixelBudget()
