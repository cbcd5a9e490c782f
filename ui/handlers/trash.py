"""Tells what the panel of the trash shows, and who may restore from it or empty it."""

import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import gradio as gr

from library import validation
from library.errors import LikenessError
from library.image_library import ImageLibrary
from library.images import decode, icon
from library.permissions import Edits, require
from library.trash.dropped import DroppedCollection
from library.trash.entries import Trashed
from ui.controls import Controls
from ui.guarded import guarded
from ui.handlers.removal import selected_ids
from ui.lanes import CHANGING, WATCHING
from ui.sentences import without_folder
from ui.views import Json, error_view

SHOWN = 60


class TrashHandlers:
    """Answers the panel of the trash, which only those may look into who may delete everything."""

    def __init__(self, library: ImageLibrary, edits: Edits) -> None:
        self._library = library
        self._edits = edits

    def view(self) -> Json:
        """Returns what is in the trash."""
        return self._told(dict)

    def restore(self, data: Any) -> Json:
        """Brings back pictures or a dropped collection."""

        def restore() -> Json:
            given = validation.mapping(data)
            if key := validation.text(given.get("collection")):
                self._library.trash.restore_collection(key)
                return {"restored": 0}
            return self._restored(given)

        return self._told(restore)

    def empty(self) -> Json:
        """Removes everything in the trash for good."""

        def empty() -> Json:
            self._library.trash.empty()
            return {}

        return self._told(empty)

    def undo(self, data: Any) -> Json:
        """Brings back the pictures that a notice tells of; returns another notice."""

        def undone() -> Json:
            require(self._edits, "own")
            return self._restored(validation.mapping(data))

        return guarded(undone, error_view) | {"at": time.monotonic()}

    def _restored(self, given: Mapping[str, Any]) -> Json:
        """Brings back what nobody has added again meanwhile, and returns how many were and were not brought back."""
        ids = selected_ids(given.get("ids"))
        there = self._library.pictures.stored(ids)
        away = [id for id in ids if id not in there]
        return {"restored": len(self._library.trash.restore(away)) if away else 0, "there": len(there)}

    def _told(self, change: Callable[[], Json]) -> Json:
        trash = self._library.trash
        value: Json = {"days": trash.days, "may": self._edits == "all", "count": 0, "pictures": [], "collections": []}

        def changed() -> Json:
            require(self._edits, "own")
            return change()

        def listed() -> Json:
            require(self._edits, "own")
            pictures = [self._picture(each) for each in trash.pictures(0, SHOWN)]
            collections = [self._collection(each) for each in trash.collections()]
            return {"count": trash.count(), "pictures": pictures, "collections": collections}

        done, found = guarded(changed, error_view), guarded(listed, error_view)
        problem = done.get("detail") or found.get("detail")
        return value | done | found | {"problem": problem, "at": time.monotonic()}

    def _picture(self, each: Trashed) -> Json:
        return {
            "id": each.record.content_id,
            "name": each.record.name,
            "deleted": each.deleted,
            "expires": self._expires(each.deleted_at),
            "image": _image(each.thumbnail),
        }

    def _collection(self, each: DroppedCollection) -> Json:
        return {
            "key": each.key,
            "name": without_folder(each.collection.model),
            "rows": each.collection.rows,
            "deleted": each.deleted,
            "expires": self._expires(each.deleted_at),
        }

    def _expires(self, deleted: datetime) -> str:
        return self._library.trash.expires(deleted).isoformat()


def _image(thumbnail: bytes) -> str:
    """Returns a small picture within the answer itself: no address serves what is deleted."""
    try:
        return f"data:image/jpeg;base64,{b64encode(icon(decode(thumbnail))).decode('ascii')}"
    except LikenessError:
        return ""


def wire_trash(handlers: TrashHandlers, page: Controls) -> None:
    """Connects the panel of the trash with its handlers."""

    def restore(event: gr.EventData) -> Json:
        return handlers.restore(event._data)

    def undo(event: gr.EventData) -> Json:
        return handlers.undo(event._data)

    view = page.reports.trash
    view.asked(handlers.view, None, view, **WATCHING)
    view.restore(restore, None, view, **CHANGING)
    view.discard(handlers.empty, None, view, **CHANGING)
    page.notice.undo(undo, None, page.notice, **CHANGING)
