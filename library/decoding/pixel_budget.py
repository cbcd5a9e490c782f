"""Limits how many pixels are decoded at the same time, in all imports, searches and previews together."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from library.running.work import check_stop

MOST_AT_ONCE = 200_000_000  # ordinary pixels, of 5 bytes each: a gigabyte
ASK_EVERY = 0.2  # seconds between two looks at whether to go on waiting
PHOTOS_AT_ONCE = 80_000_000  # beside these: ordinary photos are not to wait for large pictures
PHOTO = 60_000_000  # what an ordinary photo takes at most, of a phone in HEIC, too
UNCOUNTED = 8_000_000  # a JPEG that is reduced amid its decoding takes less
SMALL = 16_000_000  # pixels up to which a picture is brought to 8 bits whole


class PixelBudget:
    """Limits how many pixels are decoded at once; pictures wait in the order in which they asked."""

    def __init__(self, pixels: int = MOST_AT_ONCE, photos: "PixelBudget | None" = None) -> None:
        """Takes a budget of their own for pictures that take no more than a photo, which come here where that is spent
        and nobody waits."""
        self.photos = photos
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
            reservation.give_back()

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

    def take_at_once(self, pixels: int) -> bool:
        """Takes pixels where there are as many, and nobody waits for any; returns whether it did."""
        with self._changed:
            is_free = not self._waiting and pixels <= self._free
            self._free -= pixels if is_free else 0
        return is_free

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
        self._budget = self._lender = budget

    def take(self, pixels: int) -> None:
        """Waits for the pixels of a picture, once: one that held some could wait for more for ever."""
        if pixels > UNCOUNTED and not self.pixels:
            self._take(pixels)

    def raise_to(self, pixels: int) -> None:
        """Takes more pixels for a picture that turns out to need them amid its decoding."""
        if pixels > max(UNCOUNTED, self.pixels):
            self.give_back()
            self._take(pixels, is_begun=True)

    def exchange(self, pixels: int) -> None:
        """Gives back what the picture holds, then waits for `pixels`."""
        self.give_back()
        self.take(pixels)

    def give_back(self) -> None:
        """Gives back what the picture holds."""
        self._lender.give_back(self.pixels)
        self.pixels = 0

    def _take(self, pixels: int, is_begun: bool = False) -> None:
        photos = self._budget.photos if pixels <= PHOTO else None
        for lender in (photos, self._budget) if photos else ():
            if lender.take_at_once(pixels):
                self._lender, self.pixels = lender, pixels
                return
        self._lender = photos or self._budget
        self.pixels = self._lender.take(pixels, is_begun)


@cache
def pixel_budget() -> PixelBudget:
    """Returns the budget of this process."""
    return PixelBudget(MOST_AT_ONCE, PixelBudget(PHOTOS_AT_ONCE))
