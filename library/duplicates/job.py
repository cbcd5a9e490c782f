"""Searches for near-duplicates as a job in the background, and reviews what it found."""

import threading
from collections.abc import Callable, Sequence

from library.duplicates.groups import THRESHOLD, Group
from library.errors import InvalidSelection, UnknownPicture
from library.image_library import ImageLibrary
from library.images import ContentId
from library.jobs import Job, JobRunner
from library.records import Record

NAME = "search for near-duplicates"
LOOK_FOR_STOP = 0.2  # seconds, while others have their turn


class DuplicateJob(Job[list[Group]]):
    """Finds the groups of near-duplicates in the library."""

    def __init__(
        self, library: ImageLibrary, on_found: Callable[[list[Group], int], None], turn: threading.Lock
    ) -> None:
        """Calls `on_found` with the groups and the number of pictures compared, before the job is over.

        Whoever holds `turn` searches; the others wait for it.
        """
        super().__init__(NAME)
        self._library = library
        self._on_found = on_found
        self._turn = turn

    def work(self) -> list[Group] | None:
        while not self._turn.acquire(timeout=LOOK_FOR_STOP):
            if self.stop.is_set():
                return None
        try:
            return self._found()
        finally:
            self._turn.release()

    def _found(self) -> list[Group] | None:
        groups = self._library.duplicates.find(THRESHOLD, self.on_progress, self.stop.is_set)
        if groups is not None:
            self._on_found(groups, self.total or 0)
        return groups


class DuplicateReview:
    """Keeps the groups that the last search found, without what was decided since; searches one at a time."""

    def __init__(self, library: ImageLibrary, turn: "threading.Lock | None" = None) -> None:
        """Takes the `turn` that several reviews share, so that one of them searches at a time."""
        self._library = library
        self._turn = turn or threading.Lock()
        self._changing = threading.Lock()
        self._runner = JobRunner[list[Group]](NAME)
        self._groups: list[Group] | None = None
        self._compared = 0

    @property
    def latest(self) -> Job[list[Group]] | None:
        """Returns the search that was begun last, over or not."""
        return self._runner.latest

    @property
    def groups(self) -> Sequence[Group] | None:
        """Returns the groups found; None until a search came to its end."""
        return self._groups

    @property
    def is_current(self) -> bool:
        """Returns whether the last search compared as many pictures as there are now."""
        return self._groups is not None and self._compared == self._library.status().pictures

    def start(self) -> Job[list[Group]]:
        """Begins a search, or returns the one under way."""
        return self._runner.start(DuplicateJob(self._library, self._keep, self._turn))

    def stop(self) -> None:
        self._runner.stop()

    def close(self, timeout: float) -> None:
        self._runner.close(timeout)

    def keep_one(self, key: str, kept: ContentId) -> list[Record]:
        """Deletes the others of the group. Raises InvalidSelection, and what the library raises."""
        with self._changing:
            group = self._group(key, kept)
            deleted = self._library.duplicates.keep_one(kept, group.ids)
            self._compared -= len(deleted)
            self._replace(group, [])
            return deleted

    def keep_all(self, key: str) -> None:
        """Marks all pictures of the group as distinct. Raises InvalidSelection or StoreUnavailable."""
        with self._changing:
            group = self._group(key)
            self._library.duplicates.mark_distinct(group.ids, group.ids)
            self._replace(group, [])

    def set_apart(self, key: str, id: ContentId) -> None:
        """Marks the picture as distinct from the others of its group. Raises InvalidSelection or StoreUnavailable."""
        with self._changing:
            group = self._group(key, id)
            self._library.duplicates.mark_distinct([id], [other for other in group.ids if other != id])
            self._replace(group, group.without([id]))

    def first(self, limit: int) -> Sequence[Group]:
        """Returns the first groups, without the pictures that are no longer in the library."""
        with self._changing:
            for group in (self._groups or [])[:limit]:
                stored = self._library.pictures.stored(group.ids)
                if gone := [id for id in group.ids if id not in stored]:
                    self._replace(group, group.without(gone))
            return (self._groups or [])[:limit]

    def _keep(self, groups: list[Group], compared: int) -> None:
        with self._changing:
            self._groups, self._compared = groups, compared

    def _group(self, key: str, member: ContentId | None = None) -> Group:
        group = next((group for group in self._groups or [] if group.key == key), None)
        if group is None:
            raise InvalidSelection("group_changed")
        if member and member not in group.ids:
            raise UnknownPicture("not_in_group")
        return group

    def _replace(self, group: Group, parts: Sequence[Group]) -> None:
        groups = list(self._groups or [])
        at = groups.index(group)
        self._groups = [*groups[:at], *parts, *groups[at + 1 :]]
