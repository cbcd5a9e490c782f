"""Slows down whoever keeps failing to sign in, by address and by the name of the user."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection

FREE = 5  # failures that any address may have
FREE_FOR_A_NAME = 20  # and any name, wherever they come from
LONGEST_WAIT = 60.0
FORGOTTEN_AFTER = 3_600.0
KEPT_ADDRESSES = 10_000
LONGEST_NAME = 100  # characters that are kept of a name that no user has

Clock = Callable[[], float]


class FailureDelay:
    """Counts failures by key; after some that are free, each one doubles the wait."""

    def __init__(self, clock: Clock = time.monotonic, free: int = FREE) -> None:
        self._clock = clock
        self._free = free
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many, and when the last was
        self._counting = threading.Lock()

    def wait(self, key: str) -> float:
        """Returns how many seconds a key has to wait until it may try again."""
        count, last = self._failures.get(key, (0, 0.0))
        if count < self._free:
            return 0.0
        seconds = min(2.0 ** min(count - self._free, 10), LONGEST_WAIT)
        return max(0.0, last + seconds - self._clock())

    def failed(self, key: str) -> None:
        with self._counting:
            now = self._clock()
            count, last = self._failures.pop(key, (0, now))
            self._failures[key] = (1 if now - last > FORGOTTEN_AFTER else count + 1, now)
            if len(self._failures) > KEPT_ADDRESSES:
                self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        with self._counting:
            self._failures.pop(key, None)


class SignInDelay:
    """Makes an address wait after its own failures, and all unknown addresses after failures under a user's name.

    A wait for the name holds off whoever guesses from many addresses, forged ones too. It keeps no user out: from where
    they signed in they may do so again, until somebody there fails.
    """

    def __init__(self, users: Collection[str], clock: Clock = time.monotonic) -> None:
        self._users = users
        self._by_address = FailureDelay(clock)
        self._by_user = FailureDelay(clock, FREE_FOR_A_NAME)
        self._by_other_name = FailureDelay(clock, FREE_FOR_A_NAME)  # apart: made-up names must not displace real ones
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def wait(self, address: str, name: str) -> float:
        """Returns how many seconds it takes until a name may be tried from an address."""
        attempts, key = self._named(name)
        for_name = 0.0 if (address, name) in self._known else attempts.wait(key)
        return max(self._by_address.wait(address), for_name)

    def failed(self, address: str, name: str) -> None:
        self._by_address.failed(address)
        attempts, key = self._named(name)
        attempts.failed(key)
        self._known.pop((address, name), None)

    def succeeded(self, address: str, name: str) -> None:
        self._by_address.succeeded(address)
        self._known[address, name] = None
        self._known.move_to_end((address, name))
        if len(self._known) > KEPT_ADDRESSES:
            self._known.popitem(last=False)

    def _named(self, name: str) -> tuple[FailureDelay, str]:
        return (self._by_user, name) if name in self._users else (self._by_other_name, name[:LONGEST_NAME])
