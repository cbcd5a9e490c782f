"""Gives the page a library and a worker that are, in each call, those of the visitor being answered."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, cast

from library.duplicates.job import DuplicateReview
from library.image_library import ImageLibrary
from library.ingest.items import Item
from library.ingest.runs import AddJob, Worker
from library.ingest.storing import Near
from library.running.work import counted
from library.visitors.spaces import Spaces
from library.visitors.visitor_runner import VisitorRunner


class _Current:
    """Forwards each attribute to what `find` returns at that moment."""

    def __init__(self, find: Callable[[], object]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> Any:
        return getattr(self._find(), name)


def visited_library(spaces: Spaces) -> ImageLibrary:
    """Returns a library whose methods and services are those of the visitor who is being answered.

    It is no ImageLibrary but forwards each attribute to one, which differs from call to call: what is kept of it, such
    as a service, stays that of the visitor who was there then.
    """
    return cast(ImageLibrary, _Current(lambda: spaces.visit().library))


class VisitorsWorker(Worker):
    """Adds pictures to the spaces of visitors, of several at once, and of each one run after the other; each knows of
    their own runs only."""

    def __init__(self, shared: ImageLibrary, spaces: Spaces) -> None:
        """Keeps the null models of `shared` up to date after each run."""
        super().__init__(shared)
        self._spaces = spaces
        self._runner = VisitorRunner("visitors", self._after, self._metered)
        self.duplicates = cast(DuplicateReview, _Current(lambda: spaces.visit().duplicates))
        spaces.on_end.append(self.forget)

    def start(
        self,
        items: Iterable[Item],
        source: str = "upload",
        in_place: bool = False,
        near: Near = "take",
        owner: str = "",
    ) -> AddJob:
        """Adds the items to the visitor's space. Raises NotAllowed where nobody is there."""
        visit = self._spaces.begin()
        return self._begin(AddJob(visit.library, items, source, in_place, near, self._spaces.visitor))

    def find(self, id: str) -> AddJob | None:
        run = super().find(id)
        return run if run and run.owner == self._spaces.visitor else None

    def current(self, owner: str | None = None) -> AddJob | None:
        """Returns the first of the visitor's runs, whoever's are asked for."""
        return super().current(self._spaces.visitor)

    def forget(self, visitor: str) -> None:
        """Stops the runs of a visitor and forgets their receipts."""
        for run in list(self._runs):
            if run.owner == visitor:
                run.stop.set()
                self._runs.remove(run)

    def _metered(self, owner: str) -> AbstractContextManager[None]:
        return counted(partial(self._spaces.effort.spend, owner))
