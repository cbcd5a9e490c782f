"""Tells what the view of near-duplicates shows, and who may decide about them."""

import time
from collections.abc import Callable
from typing import Any

import gradio as gr

from library import validation
from library.duplicates.groups import Group
from library.duplicates.job import DuplicateReview
from library.errors import InvalidSelection, LikenessError, NotAllowed
from library.image_library import ImageLibrary
from library.images import parse_content_id
from library.jobs import Job
from library.permissions import Edits, require
from library.records import Record
from ui.controls import Controls
from ui.guarded import guarded
from ui.lanes import CHANGING, WATCHING
from ui.sentences import told
from ui.views import Json, error_view

GROUPS_SHOWN = 40
PICTURES_SHOWN = 60
FEWEST = 2


class DuplicateHandlers:
    """Answers the view of near-duplicates: the search for them, and each decision about a group."""

    def __init__(self, library: ImageLibrary, review: DuplicateReview, edits: Edits) -> None:
        self._library = library
        self._review = review
        self._edits = edits

    def view(self) -> Json:
        """Returns how far a search is, and what the last one found."""
        return self._shown()

    def look(self) -> Json:
        """Begins a search. Visitors who may decide nothing can do so only where there is something new to find."""

        def begin() -> None:
            if self._edits != "all" and self._review.is_current:
                raise NotAllowed("nothing_new")
            self._review.start()

        return self._told(begin)

    def stop(self) -> Json:
        def stop() -> None:
            require(self._edits, "all")
            self._review.stop()

        return self._told(stop)

    def decide(self, data: Any) -> Json:
        """Decides about a group: `keep` deletes its other pictures, `all` keeps them, `apart` takes one out of it."""
        done: Json = {}

        def decide() -> None:
            require(self._edits, "all")
            given = validation.mapping(data)
            key, decision = validation.text(given.get("key")), validation.text(given.get("decision"))
            if decision == "all":
                self._review.keep_all(key)
                done["notice"] = _notice("duplicates.all_kept")
                return
            id = parse_content_id(validation.text(given.get("id")))
            if decision == "keep":
                kept = self._library.record(id)
                deleted = self._review.keep_one(key, id)
                done["removed"] = [record.content_id for record in deleted]
                done["notice"] = _notice("duplicates.kept_one", name=kept.name, count=len(deleted))
            elif decision == "apart":
                self._review.set_apart(key, id)
                done["notice"] = _notice("duplicates.set_apart")
            else:
                raise InvalidSelection("no_such_decision")

        return self._told(decide) | done

    def _told(self, change: Callable[[], None]) -> Json:
        failure = guarded(change, error_view)
        return self._shown() | ({"problem": failure["detail"]} if failure else {})

    def _shown(self) -> Json:
        work = self._review.latest
        is_looking = work is not None and not work.over.is_set()
        value = self._progress(work, is_looking)
        if self._review.groups is not None and not is_looking:
            try:
                value["groups"] = [_group(group) for group in self._review.first(GROUPS_SHOWN)]
            except LikenessError as error:
                value["problem"] = str(error)
        groups = self._review.groups  # without those that were found to be gone
        return value | {"found": len(groups) if groups is not None else None}

    def _progress(self, work: Job[list[Group]] | None, is_looking: bool) -> Json:
        pictures = self._library.status().pictures
        return {
            "at": time.monotonic(),  # every answer is drawn, since each is another one
            "state": "running" if is_looking else work.state if work else "none",
            "done": work.done if work else 0,
            "total": work.total if work else 0,
            "stopping": bool(work and work.is_stopping),
            "may": self._edits == "all",
            "current": self._review.is_current,
            "too_small": pictures is not None and pictures < FEWEST,
            "groups": None,
            "problem": told(work.problem) if work else None,
        }


def _notice(key: str, **values: str | int) -> Json:
    """Returns a notice that the page shows in the visitor's language."""
    return {"key": key, "values": values}


def _group(group: Group) -> Json:
    return {
        "key": group.key,
        "count": len(group.records),
        "score": group.score,
        "reason": group.reason,
        "pictures": [_picture(group, record) for record in group.records[:PICTURES_SHOWN]],
    }


def _picture(group: Group, record: Record) -> Json:
    small = group.enlarged_from(record)
    return {
        "id": record.content_id,
        "name": record.name,
        "width": record.width,
        "height": record.height,
        "bytes": record.bytes,
        "format": record.format,
        "score": group.score_of(record.content_id),
        "detail": group.detail_of(record),
        "enlarged_from": [small.width, small.height] if small else None,
    }


def wire_duplicates(handlers: DuplicateHandlers, page: Controls) -> None:
    """Connects the events of the view of near-duplicates with its handlers."""

    def decide(event: gr.EventData) -> Json:
        return handlers.decide(event._data)

    view = page.reports.duplicates
    view.asked(handlers.view, None, view, **WATCHING)
    view.begin(handlers.look, None, view, **CHANGING)
    view.halt(handlers.stop, None, view, **CHANGING)
    view.decide(decide, None, view, **CHANGING)
