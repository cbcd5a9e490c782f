"""Defines the public endpoints that delete pictures and bring them back, where EDITS allows it."""

from collections.abc import Callable

from gradio.events import api

from library.image_library import ImageLibrary
from library.permissions import Edits, require
from library.trash.entries import Trashed
from ui.endpoints import answered, described
from ui.handlers.removal import remove_all, selected_ids
from ui.lanes import AT_ONCE
from ui.views import Json

IDS = {"content_ids": "the content IDs of the pictures, a list"}


def add_trash_api(library: ImageLibrary, edits: Edits) -> None:
    """Adds the endpoints to the page; to be called inside its Blocks."""
    endpoints = TrashApi(library, edits)
    api(endpoints.delete, api_name="delete", concurrency_id="change", concurrency_limit=AT_ONCE)
    api(endpoints.trash, api_name="trash", concurrency_id="status", concurrency_limit=None)
    api(endpoints.restore, api_name="restore", concurrency_id="change", concurrency_limit=AT_ONCE)


class TrashApi:
    """Answers the calls of programs, which may send anything that JSON can say."""

    def __init__(self, library: ImageLibrary, edits: Edits) -> None:
        self._library = library
        self._edits = edits

    @described("Move pictures to the trash.", "deleted: how many", IDS)
    def delete(self, content_ids: list[str]) -> Json:
        return self._allowed(lambda: {"deleted": remove_all(self._library, self._edits, {"ids": content_ids})["count"]})

    @described(
        "List what is in the trash, the last deleted first.",
        "days: for how many it keeps what was deleted; pictures: content_id, name, deleted and expires of each",
    )
    def trash(self) -> Json:
        trash = self._library.trash
        return self._allowed(
            lambda: {"days": trash.days, "pictures": list(map(self._entry, trash.pictures(0, trash.count())))}
        )

    @described(
        "Bring pictures back from the trash; they are found again at once.", "restored: the content IDs of these", IDS
    )
    def restore(self, content_ids: list[str]) -> Json:
        def restored() -> Json:
            records = self._library.trash.restore(selected_ids(content_ids))
            return {"restored": [record.content_id for record in records]}

        return self._allowed(restored)

    def _allowed(self, work: Callable[[], Json]) -> Json:
        def allowed() -> Json:
            require(self._edits, "own")
            return work()

        return answered(allowed)

    def _entry(self, each: Trashed) -> Json:
        return {
            "content_id": each.record.content_id,
            "name": each.record.name,
            "deleted": each.deleted,
            "expires": self._library.trash.expires(each.deleted_at).isoformat(),
        }
