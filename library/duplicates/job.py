"""The search for near-duplicates in the background: one at a time, watched and stopped from any tab."""

import threading
from collections.abc import Sequence

from library.duplicates.groups import THRESHOLD, Group
from library.errors import InvalidSelection, UnknownPicture
from library.image_library import ImageLibrary
from library.images import ContentId
from library.jobs import Job, JobRunner
from library.records import Record


class DuplicateJob:
    """Keeps what the last search found, without what was decided since."""

    def __init__(self, library: ImageLibrary) -> None:
        self._library = library
        self._changing = threading.Lock()
        self._runner = JobRunner("search for near-duplicates")
        self._groups: list[Group] | None = None
        self._looked_at = 0

    @property
    def latest(self) -> Job | None:
        return self._runner.latest

    @property
    def groups(self) -> Sequence[Group] | None:
        """None until a search came to its end."""
        return self._groups

    @property
    def is_current(self) -> bool:
        """Whether the last search has seen as many pictures as there are."""
        return self._groups is not None and self._looked_at == self._library.status().pictures

    def start(self) -> Job:
        """Begins, or returns the one under way."""
        return self._runner.start(self._look)

    def stop(self) -> None:
        self._runner.stop()

    def close(self, timeout: float) -> None:
        self._runner.close(timeout)

    def keep_one(self, key: str, kept: ContentId) -> list[Record]:
        """Deletes the others of the group. Raises InvalidSelection, and what the library raises."""
        with self._changing:
            group = self._group(key, kept)
            deleted = self._library.keep_one(kept, group.ids)
            self._looked_at -= len(deleted)
            self._replace(group, [])
            return deleted

    def keep_all(self, key: str) -> None:
        """They are no near-duplicates of each other. Raises InvalidSelection or StoreUnavailable."""
        with self._changing:
            group = self._group(key)
            self._library.mark_distinct(group.ids, group.ids)
            self._replace(group, [])

    def set_apart(self, key: str, id: ContentId) -> None:
        """It is no near-duplicate of the others. Raises InvalidSelection or StoreUnavailable."""
        with self._changing:
            group = self._group(key, id)
            self._library.mark_distinct([id], [other for other in group.ids if other != id])
            self._replace(group, group.without([id]))

    def first(self, limit: int) -> Sequence[Group]:
        """Without what is no longer in the library."""
        with self._changing:
            for group in (self._groups or [])[:limit]:
                stored = self._library.stored(group.ids)
                if gone := [id for id in group.ids if id not in stored]:
                    self._replace(group, group.without(gone))
            return (self._groups or [])[:limit]

    def _group(self, key: str, member: ContentId | None = None) -> Group:
        group = next((group for group in self._groups or [] if group.key == key), None)
        if group is None:
            raise InvalidSelection("This group has changed meanwhile. Look at it again, then decide.")
        if member and member not in group.ids:
            raise UnknownPicture("This picture is not in the group.")
        return group

    def _replace(self, group: Group, parts: Sequence[Group]) -> None:
        groups = list(self._groups or [])
        at = groups.index(group)
        self._groups = [*groups[:at], *parts, *groups[at + 1 :]]

    def _look(self, job: Job) -> bool:
        groups = self._library.near_duplicates(THRESHOLD, job.on_progress, job.stop.is_set)
        if groups is None:
            return False
        with self._changing:
            self._groups, self._looked_at = groups, job.total
        return True
