"""Follows the files of a watched source that are no pictures, so that each is reported once."""

from collections.abc import Callable, Iterable, Mapping

from library.ingest.candidates import SETTLED_AFTER
from library.ingest.watch_source import WatchSource
from library.messages import Message


class LeftOut:
    """Keeps which of the files and folders that are left out were not reported yet."""

    def __init__(self, source: WatchSource, clock: Callable[[], float]) -> None:
        self._source = source
        self._clock = clock
        self._since: dict[tuple[str, str], float] = {}  # by path and code of the reason
        self._told: set[tuple[str, str]] = set()

    def update(self, skips: Mapping[str, Message]) -> None:
        """Takes over the files that are left out now; one that is gone and appears again is reported again."""
        now = self._clock()
        there = [(path, reason.code) for path, reason in skips.items()]
        self._since = {each: self._since.get(each, now) for each in there}
        self._told.intersection_update(self._since)

    def due(self) -> list[str]:
        """Returns the paths to report: those that stay, since programs write under names that are hidden at first."""
        wait = 0.0 if self._source.shows_only_whole else SETTLED_AFTER
        now = self._clock()
        return [each[0] for each, since in self._since.items() if each not in self._told and now - since >= wait]

    def due_at(self) -> list[float]:
        """Returns when each of them is due."""
        return [since + SETTLED_AFTER for each, since in self._since.items() if each not in self._told]

    def note_told(self, paths: Iterable[str]) -> None:
        """Remembers that these were reported."""
        told = set(paths)
        self._told.update(each for each in self._since if each[0] in told)
