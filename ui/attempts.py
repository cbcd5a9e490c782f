"""Slows down whoever keeps failing to sign in."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

FREE = 5  # failures that anyone may have
LONGEST_WAIT = 60.0
FORGOTTEN_AFTER = 3_600.0
KEPT_ADDRESSES = 10_000


class Attempts:
    """Counts the failures of each address since its last success; after five each one doubles the wait."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many, and when the last was
        self._counting = threading.Lock()

    def wait(self, address: str) -> float:
        """Returns how many seconds an address has to wait until it may try again."""
        count, last = self._failures.get(address, (0, 0.0))
        if count < FREE:
            return 0.0
        return max(0.0, last + min(2.0 ** (count - FREE), LONGEST_WAIT) - self._clock())

    def failed(self, address: str) -> None:
        with self._counting:
            now = self._clock()
            count, last = self._failures.pop(address, (0, now))
            self._failures[address] = (1 if now - last > FORGOTTEN_AFTER else count + 1, now)
            if len(self._failures) > KEPT_ADDRESSES:
                self._failures.popitem(last=False)

    def succeeded(self, address: str) -> None:
        with self._counting:
            self._failures.pop(address, None)
