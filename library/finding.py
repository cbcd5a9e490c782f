"""The search for near-duplicates in the background: one at a time, watched and stopped from any tab."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from library.duplicates import THRESHOLD, Group
from library.errors import UNEXPECTED, InvalidSelection, LikenessError, UnknownPicture
from library.image_library import ImageLibrary
from library.images import ContentId
from library.records import Record

logger = logging.getLogger(__name__)


@dataclass
class Search:
    """Written by its own thread alone; others read it at any time."""

    state: Literal["looking", "done", "stopped", "failed"] = "looking"
    done: int = 0
    total: int = 0
    problem: str | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def tell(self, done: int, total: int) -> None:
        self.done, self.total = done, total


class Finder:
    """Keeps what the last search found, without what was decided since."""

    def __init__(self, library: ImageLibrary) -> None:
        self._library = library
        self._changing = threading.Lock()
        self._latest: Search | None = None
        self._groups: list[Group] | None = None
        self._looked_at = 0

    @property
    def latest(self) -> Search | None:
        return self._latest

    @property
    def groups(self) -> Sequence[Group] | None:
        """None until a search came to its end."""
        return self._groups

    @property
    def is_current(self) -> bool:
        """Whether the last search has seen as many pictures as there are."""
        return self._groups is not None and self._looked_at == self._library.status().pictures

    def start(self) -> Search:
        """Begins, or returns the one under way."""
        with self._changing:
            if self._latest is None or self._latest.over.is_set():
                self._latest = Search()
                threading.Thread(target=self._look, args=[self._latest], name="duplicates", daemon=True).start()
            return self._latest

    def stop(self) -> None:
        if self._latest:
            self._latest.stop.set()

    def close(self, timeout: float) -> None:
        """Waits for the batch in hand: Milvus must not go away under it."""
        if self._latest:
            self._latest.stop.set()
            self._latest.over.wait(timeout)

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
            self._library.keep_apart(group.ids, group.ids)
            self._replace(group, [])

    def set_apart(self, key: str, id: ContentId) -> None:
        """It is no near-duplicate of the others. Raises InvalidSelection or StoreUnavailable."""
        with self._changing:
            group = self._group(key, id)
            self._library.keep_apart([id], [other for other in group.ids if other != id])
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

    def _look(self, work: Search) -> None:
        try:
            groups = self._library.near_duplicates(THRESHOLD, work.tell, work.stop.is_set)
            if groups is not None:
                with self._changing:
                    self._groups, self._looked_at = groups, work.total
            work.state = "stopped" if groups is None else "done"
        except LikenessError as error:
            work.state, work.problem = "failed", str(error)
        except Exception:
            work.state, work.problem = "failed", UNEXPECTED
            logger.exception("Looking for near-duplicates failed")
        logger.info("near-duplicates: %s", work.state)
        work.over.set()
