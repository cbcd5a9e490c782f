"""Deletes pictures on the page: one, or all that are selected."""

import time
from collections.abc import Sequence
from typing import Any

import gradio as gr

from library import validation
from library.errors import InvalidSelection, UnknownPicture
from library.exports.results import check_number
from library.image_library import ImageLibrary
from library.images import ContentId, parse_content_id
from library.permissions import Edits, require
from ui.controls import Controls
from ui.guarded import guarded
from ui.lanes import CHANGING
from ui.views import Json, error_view

DELETED_AT_ONCE = 500


class RemovalHandlers:
    """Moves pictures to the trash, and returns a notice to show."""

    def __init__(self, library: ImageLibrary, edits: Edits) -> None:
        self._library = library
        self._edits = edits

    def remove(self, data: Any) -> Json:
        """Deletes one picture."""

        def removed() -> Json:
            require(self._edits, "own")
            given = validation.mapping(data)
            ids = [parse_content_id(validation.text(given.get("id")))]
            if not self._library.pictures.stored(ids):
                return lost(ids)
            (record,) = self._library.delete(ids)
            return {"removed": record.content_id, "name": record.name, "undo": self._library.trash.days > 0}

        return guarded(removed, error_view) | {"at": time.monotonic()}

    def remove_all(self, data: Any) -> Json:
        """Deletes those of the named pictures that are still there."""

        def removed() -> Json:
            require(self._edits, "own")
            ids = selected_ids(validation.mapping(data).get("ids"))
            return remove_all(self._library, self._edits, data) if self._library.pictures.stored(ids) else lost(ids)

        return guarded(removed, error_view) | {"at": time.monotonic()}


def remove_all(library: ImageLibrary, edits: Edits, data: Any) -> Json:
    """Deletes those of the named pictures that are still there, and returns what to tell.

    Raises NotAllowed, InvalidSelection, InvalidContentId or UnknownPicture.
    """
    require(edits, "own")
    ids = selected_ids(validation.mapping(data).get("ids"))
    there = [record.content_id for record in library.pictures.records(ids)]
    if not there:
        raise none_found(ids)
    for start in range(0, len(there), DELETED_AT_ONCE):
        library.delete(there[start : start + DELETED_AT_ONCE])
    return {"removed_all": ids, "deleted": there, "count": len(there), "undo": library.trash.days > 0}


def selected_ids(value: Any) -> list[ContentId]:
    """Returns each ID once. Raises InvalidSelection or InvalidContentId."""
    given = value if isinstance(value, list) else []
    if not given:
        raise InvalidSelection("no_selection")
    check_number(len(given))
    return list(dict.fromkeys(parse_content_id(validation.text(id)) for id in given))


def lost(ids: Sequence[ContentId]) -> Json:
    """Returns what to tell where somebody else has deleted all of them: the page takes them away, too."""
    return error_view(none_found(ids)) | {"lost": ids}


def none_found(ids: Sequence[ContentId]) -> UnknownPicture:
    """Returns the error for pictures of which none is in the library any more."""
    if len(ids) == 1:
        return UnknownPicture("gone")
    return UnknownPicture("none_left", count=len(ids))


def wire_removal(handlers: RemovalHandlers, page: Controls) -> None:
    """Connects the buttons that delete pictures with their handlers."""

    def remove(event: gr.EventData) -> Json:
        return handlers.remove(event._data)

    def remove_all(event: gr.EventData) -> Json:
        return handlers.remove_all(event._data)

    page.results.remove(remove, None, page.notice, **CHANGING)
    page.results.discard(remove_all, None, page.notice, **CHANGING)
