"""Bounds what visitors of the demo keep together: those of one address, who may be one without cookies, and all."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from library.errors import StoreUnavailable
from library.visitors.own_space import OwnSpace

MEGABYTE = 1 << 20
MEASURED_EVERY = 10.0  # seconds, at most: pictures that were deleted make room a moment later


@dataclass(frozen=True)
class DemoRules:
    """Says how many pictures each visitor may have, and all of one address, for how long, and the room on the disk."""

    quota: int = 20
    hours: float = 24.0
    address_quota: int = 200
    megabytes: int = 4096


class Bounds:
    """Counts the pictures of each address, and the bytes of all."""

    def __init__(
        self, rules: DemoRules, measure: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Takes the rules, and a function that returns how many bytes the pictures of all visitors take."""
        self._rules = rules
        self._measure = measure
        self._clock = clock
        self._changing = threading.Lock()
        self._addresses: dict[str, dict[str, OwnSpace]] = defaultdict(dict)  # by visitor
        self._used = 0
        self._measured_at: float | None = None

    def note(self, address: str, space: OwnSpace) -> None:
        """Counts a space among those of an address. Raises StoreUnavailable where it has too many already."""
        with self._changing:
            spaces = self._addresses[address]
            if space.key.visitor not in spaces and len(spaces) >= self._rules.address_quota:
                raise self._address_full()
            spaces[space.key.visitor] = space

    def forget(self, visitor: str) -> None:
        """Removes a space from the counts."""
        with self._changing:
            for address in [address for address, spaces in self._addresses.items() if spaces.pop(visitor, None)]:
                if not self._addresses[address]:
                    del self._addresses[address]
            self._measured_at = None

    @contextmanager
    def room(self, space: OwnSpace, count: int) -> Iterator[None]:
        """Lets `count` bytes be added to a space, one picture after the other. Raises StoreUnavailable where those of
        the visitor, of the address or of all are as many as there may be."""
        with self._changing:
            space.check_room()
            for spaces in self._addresses.values():
                if spaces.get(space.key.visitor) is space:
                    self._check_address(list(spaces.values()))
            self._check_disk(count)
            yield
            self._used += count

    def _check_address(self, spaces: list[OwnSpace]) -> None:
        if sum(each.store.count() for each in spaces) >= self._rules.address_quota:
            raise self._address_full()

    def _check_disk(self, count: int) -> None:
        most, now = self._rules.megabytes * MEGABYTE, self._clock()
        is_old = self._measured_at is None or now - self._measured_at >= MEASURED_EVERY
        if self._measured_at is None or (is_old and self._used + count > most):
            self._used, self._measured_at = self._measure(), now
        if self._used + count > most:
            raise StoreUnavailable("visitors_full", megabytes=self._rules.megabytes)

    def _address_full(self) -> StoreUnavailable:
        return StoreUnavailable("address_full", count=self._rules.address_quota)
