"""Follows files of a watched source that are new or have changed, until they are whole and imported."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from library.ingest.watch_source import SourceListing, WatchSource
from library.ingest.watch_state import WatchState

SETTLED_AFTER = 1.5  # seconds without a change
WRITER_GIVEN_UP_AFTER = 60.0  # seconds without a change
PAUSE_AT_MOST = 60.0  # seconds between two tries


@dataclass
class _Candidate:
    """Describes a file that is new or has changed; `since` is when it was first seen as it is now."""

    signature: str
    since: float
    tries: int = 0
    not_before: float = 0.0


class Candidates:
    """Tells which of the files are to be imported now and which are still being written."""

    def __init__(self, source: WatchSource, clock: Callable[[], float]) -> None:
        self._source = source
        self._clock = clock
        self._waiting: dict[str, _Candidate] = {}

    def update(self, listing: SourceListing, state: WatchState) -> None:
        """Takes over what is new or changed in this listing and forgets what is not there any more."""
        now = self._clock()
        waiting = {}
        for path, signature in listing.signatures.items():
            seen = state.get(path)
            if seen is None or seen.signature != signature:
                before = self._waiting.get(path)
                is_same = before and before.signature == signature
                waiting[path] = before if before and is_same else _Candidate(signature, now)
        self._waiting = waiting

    def due(self) -> list[str]:
        """Returns the paths of the files that have settled and that nobody writes."""
        return [path for path, each in self._waiting.items() if self._is_due(path, each)]

    def due_at(self) -> list[float]:
        """Returns when each of the files could be due, if nothing happens before."""
        return [max(each.not_before, each.since + SETTLED_AFTER) for each in self._waiting.values()]

    def put_off(self, paths: Iterable[str]) -> None:
        """Delays the next try of a file, longer after each failure."""
        for path in paths:
            candidate = self._waiting[path]
            candidate.tries += 1
            candidate.not_before = self._clock() + pause_after(candidate.tries)

    def retry_now(self) -> None:
        """Makes every delayed file due at once."""
        for candidate in self._waiting.values():
            candidate.not_before = 0.0

    def discard(self, path: str) -> None:
        """Forgets a file that was imported or rejected for good."""
        self._waiting.pop(path, None)

    def _is_due(self, path: str, candidate: _Candidate) -> bool:
        now = self._clock()
        unchanged_for = now - candidate.since
        if now < candidate.not_before or not (self._source.shows_only_whole or unchanged_for >= SETTLED_AFTER):
            return False
        return unchanged_for >= WRITER_GIVEN_UP_AFTER or not self._source.is_being_written(path)


def pause_after(failures: int) -> float:
    """Returns how many seconds to wait before the next try, by the number of failures."""
    return min(2.0**failures, PAUSE_AT_MOST)
