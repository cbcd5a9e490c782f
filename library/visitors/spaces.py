"""Finds, begins, ends and sweeps the spaces of the demo's visitors, and knows whose request is being answered."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

from library.decoders.direct import Decoder
from library.duplicates.job import DuplicateReview
from library.errors import NotAllowed
from library.image_library import ImageLibrary
from library.images import ContentId
from library.ports import ImageStore, VectorDatabase
from library.visitors.bounds import Bounds, DemoRules
from library.visitors.combined_database import CombinedDatabase
from library.visitors.combined_store import CombinedStore
from library.visitors.effort import Effort, MeteredDecoder
from library.visitors.own_space import OwnSpace
from library.visitors.ports import SpaceFiles, SpaceRows
from library.visitors.space_key import SpaceKey, id_of_visitor

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]
OnEnd = Callable[[str], None]  # told the ID of the visitor whose space has ended


class Visit:
    """Holds what one visitor sees: the library with their own pictures in it, and what they compare there."""

    def __init__(
        self,
        shared: ImageLibrary,
        space: OwnSpace | None,
        metered: Callable[[Decoder], Decoder],
        bounds: Bounds,
        comparing: threading.Lock,
    ) -> None:
        """Takes the turn that all visits share, so that one of them searches for near-duplicates at a time."""

        def combined(store: ImageStore, database: VectorDatabase) -> tuple[ImageStore, VectorDatabase]:
            return CombinedStore(store, space, bounds), CombinedDatabase(database, space)

        self.space = space
        self.library = shared.view(combined, metered)
        self.duplicates = DuplicateReview(self.library, comparing)

    def own_ids(self) -> Sequence[ContentId]:
        return self.space.store.ids() if self.space else []

    def close(self) -> None:
        if self.space:
            self.space.close()
        self.duplicates.close(0.0)


class Spaces:
    """Gives each visitor a space with their first picture. Without a visitor, only the shared library is seen.

    Methods raise StoreUnavailable or IndexUnavailable.
    """

    def __init__(
        self,
        shared: ImageLibrary,
        files: SpaceFiles,
        rows: SpaceRows,
        rules: DemoRules,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self.rules = rules
        self.on_end: list[OnEnd] = []
        self._shared = shared
        self._files = files
        self._rows = rows
        self._clock = clock
        self._visitor: ContextVar[str] = ContextVar("visitor", default="")
        self._address: ContextVar[str] = ContextVar("address", default="")
        self.effort = Effort(rules.quota, address_quota=rules.address_quota)
        self._bounds = Bounds(rules, files.bytes)
        self._comparing = threading.Lock()
        self._nobodys = Visit(shared, None, self._metered(lambda: self.visitor), self._bounds, self._comparing)
        self._changing = threading.Lock()
        self._visits: dict[str, Visit] = {}
        self._has_read = False
        self._ends = {0}  # of all spaces that may have rows, at first those of earlier processes

    @contextmanager
    def visited_by(self, secret: str, address: str = "") -> Iterator[None]:
        """Sets which visitor is answered within the block, on this thread or task and those that it starts.

        `secret` is what the visitor's browser brings; without any, nobody is there.
        """
        visitor = id_of_visitor(secret) if secret else ""
        if visitor and address:
            self.effort.locate(visitor, address)
        token, at = self._visitor.set(visitor), self._address.set(address)
        try:
            yield
        finally:
            self._visitor.reset(token)
            self._address.reset(at)

    @property
    def visitor(self) -> str:
        """Returns the ID of the visitor who is being answered; empty for nobody."""
        return self._visitor.get()

    def visit(self) -> Visit:
        """Returns what the visitor who is being answered sees."""
        if not self.visitor:
            return self._nobodys
        with self._changing:
            return self._found(self.visitor) or self._nobodys

    def begin(self) -> Visit:
        """Returns what the visitor sees, in a new space where they have none. Raises NotAllowed for nobody, and
        StoreUnavailable where their address has too many spaces."""
        if not self.visitor:
            raise NotAllowed("no_visitor")
        with self._changing:
            found = self._found(self.visitor)
            if found is None:
                ends = self._clock() + timedelta(hours=self.rules.hours)
                found = self._opened(SpaceKey(self.visitor, _milliseconds(ends)))
            if address := self._address.get():
                assert found.space is not None
                self._bounds.note(address, found.space)
            self._visits[self.visitor] = found
            return found

    def reset(self) -> None:
        """Removes the visitor's space with everything in it, at once.

        Rows that a failure leaves are found by nobody, since no other space gets this key, and a sweep removes them
        in time.
        """
        with self._changing:
            visit = self._found(self.visitor) if self.visitor else None
            if visit is None or visit.space is None:
                return
            visit.close()
            self._files.remove(visit.space.key)
            self._forget(visit)
        self._rows.remove(visit.space.key)  # without the lock: a server takes seconds for it

    def sweep(self) -> int:
        """Removes the spaces that have ended, rows and files; returns how many had files."""
        now = _milliseconds(self._clock())
        with self._changing:
            for visit in [each for each in self._visits.values() if _has_ended(each, now)]:
                self._forget(visit)
        ended = [key for key in self._files.stored() if key.expires <= now]
        for key in ended:
            self._files.remove(key)
            logger.info("the space of a visitor has ended")
        if over := {end for end in self._ends if end <= now}:  # else nothing has to be loaded for it
            self._rows.remove_expired(now)
            self._ends -= over
        return len(ended)

    def close(self) -> None:
        """Stops what visitors have begun; their pictures stay until their time is over."""
        for visit in [self._nobodys, *self._visits.values()]:
            visit.duplicates.close(0.0)
        self._rows.close()

    def _found(self, visitor: str) -> Visit | None:
        """Returns the visit of one who has a space that has not ended; the caller holds the lock."""
        if not self._has_read:
            for key in sorted(self._files.stored(), key=lambda each: each.expires):  # the latest counts
                self._visits[key.visitor] = self._opened(key)
            self._has_read = True
        found = self._visits.get(visitor)
        if found and _has_ended(found, _milliseconds(self._clock())):
            self._forget(found)
            return None
        return found

    def _opened(self, key: SpaceKey) -> Visit:
        self._ends.add(key.expires)
        space = OwnSpace(key, self._files.of(key), self._rows.of(key), self.rules.quota)
        return Visit(self._shared, space, self._metered(lambda: key.visitor), self._bounds, self._comparing)

    def _metered(self, visitor: Callable[[], str]) -> Callable[[Decoder], Decoder]:
        return lambda decoder: MeteredDecoder(decoder, self.effort, visitor)

    def _forget(self, visit: Visit) -> None:
        """Closes a space, in which nothing is found from now on; the caller holds the lock."""
        assert visit.space is not None
        visit.close()
        self._bounds.forget(visit.space.key.visitor)
        del self._visits[visit.space.key.visitor]
        for tell in self.on_end:
            tell(visit.space.key.visitor)


def _has_ended(visit: Visit, now: int) -> bool:
    return visit.space is not None and visit.space.key.expires <= now


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
