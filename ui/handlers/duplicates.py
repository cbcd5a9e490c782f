"""What the view of near-duplicates shows, and who may decide about them."""

import logging
import time
from collections.abc import Callable
from typing import Any

import gradio as gr

from library import validation
from library.duplicates.groups import Group
from library.duplicates.job import DuplicateJob
from library.errors import InvalidSelection, LikenessError, NotAllowed
from library.image_library import ImageLibrary
from library.images import parse_content_id
from library.permissions import Edits, require
from library.records import Record
from ui.views import Json, error_view

logger = logging.getLogger(__name__)

GROUPS_SHOWN = 40
PICTURES_SHOWN = 60
FEWEST = 2


class DuplicateHandlers:
    def __init__(self, library: ImageLibrary, finder: DuplicateJob, edits: Edits) -> None:
        self._library = library
        self._finder = finder
        self._edits = edits

    def view(self) -> Json:
        """How far a search is, and what the last one found."""
        return self._shown()

    def look(self) -> Json:
        """Visitors who may decide nothing look only where there is something new to see."""

        def begin() -> None:
            if self._edits != "all" and self._finder.is_current:
                raise NotAllowed("The near-duplicates shown are those of all pictures: there is nothing new to find.")
            self._finder.start()

        return self._told(begin)

    def stop(self) -> Json:
        def stop() -> None:
            require(self._edits, "all")
            self._finder.stop()

        return self._told(stop)

    def decide(self, data: Any) -> Json:
        """`keep` deletes the other pictures of the group, `all` keeps them, `apart` takes one out of it."""
        done: Json = {}

        def decide() -> None:
            require(self._edits, "all")
            given = validation.mapping(data)
            key, decision = validation.text(given.get("key")), validation.text(given.get("decision"))
            if decision == "all":
                self._finder.keep_all(key)
                done["notice"] = _notice("duplicates.all_kept")
                return
            id = parse_content_id(validation.text(given.get("id")))
            if decision == "keep":
                kept = self._library.record(id)
                deleted = self._finder.keep_one(key, id)
                done["removed"] = [record.content_id for record in deleted]
                done["notice"] = _notice("duplicates.kept_one", name=kept.name, count=len(deleted))
            elif decision == "apart":
                self._finder.set_apart(key, id)
                done["notice"] = _notice("duplicates.set_apart")
            else:
                raise InvalidSelection("A decision is keep, all or apart.")

        return self._told(decide) | done

    def _told(self, change: Callable[[], None]) -> Json:
        try:
            change()
        except Exception as error:
            if not isinstance(error, LikenessError):
                logger.error("A request of the page failed", exc_info=error)
            return self._shown() | {"problem": error_view(error)["detail"]}
        return self._shown()

    def _shown(self) -> Json:
        work, groups = self._finder.latest, self._finder.groups
        is_looking = work is not None and not work.over.is_set()
        problem = work.problem if work else None
        value: Json = {
            "at": time.monotonic(),  # every answer is drawn, since each is another one
            "state": "running" if is_looking else work.state if work else "none",
            "done": work.done if work else 0,
            "total": work.total if work else 0,
            "stopping": bool(is_looking and work and work.stop.is_set()),
            "may": self._edits == "all",
            "current": False,
            "too_small": False,
            "groups": None,
            "found": len(groups) if groups is not None else None,
        }
        try:
            pictures = self._library.status().pictures
            value["too_small"] = pictures is not None and pictures < FEWEST
            value["current"] = self._finder.is_current
            if groups is not None and not is_looking:
                value["groups"] = [_group(group) for group in self._finder.first(GROUPS_SHOWN)]
                value["found"] = len(self._finder.groups or [])
        except LikenessError as error:
            problem = str(error)
        return value | {"problem": problem}


def _notice(key: str, **values: str | int) -> Json:
    """In the words of the page's language."""
    return {"key": key, "values": values}


def _group(group: Group) -> Json:
    return {
        "key": group.key,
        "count": len(group.records),
        "score": group.score,
        "pictures": [_picture(group, record) for record in group.records[:PICTURES_SHOWN]],
    }


def _picture(group: Group, record: Record) -> Json:
    return {
        "id": record.content_id,
        "name": record.name,
        "width": record.width,
        "height": record.height,
        "bytes": record.bytes,
        "format": record.format,
        "score": group.score_of(record.content_id),
    }


def wire_duplicates(handlers: DuplicateHandlers, view: gr.HTML, watching: Json, changing: Json) -> None:
    def decide(event: gr.EventData) -> Json:
        return handlers.decide(event._data)

    view.asked(handlers.view, None, view, **watching)
    view.begin(handlers.look, None, view, **changing)
    view.halt(handlers.stop, None, view, **changing)
    view.decide(decide, None, view, **changing)
