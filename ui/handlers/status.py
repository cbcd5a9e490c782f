"""Tells what the head of the page shows: the status of the library, and reindexing for the chosen model."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from library.image_library import ImageLibrary
from library.ingest.runs import Worker
from library.permissions import Edits, require
from ui.controls import Controls
from ui.guarded import guarded
from ui.lanes import CHANGING, WATCHING
from ui.views import Json, error_view, models_view, reindexing_view, status_view

FEWEST_CLUSTERS = 128  # until the status tells how many the index has
SOON, SELDOM = 2, 6  # seconds between two looks at the status


class StatusHandlers:
    """Tells how the library is, and starts and stops the reindexing."""

    def __init__(self, library: ImageLibrary, worker: Worker, edits: Edits) -> None:
        self._library = library
        self._worker = worker
        self._edits = edits

    def status(self) -> Json:
        uploading = self._worker.current() is not None  # what is stored first gets its row a moment later
        value = status_view(self._library.status())
        return value | {
            **({"missing": 0, "elsewhere": 0} if uploading else {}),
            "reindexing": reindexing_view(self._worker.reindexing),
            "may_reindex": self._edits == "all",
            "models": models_view(self._library.models.offered()),
        }

    def reindex(self) -> Json:
        """Tries the chosen model again and encodes what it lacks; returns the status, or why that is not allowed."""
        return self._on_reindexing(self._worker.reindex)

    def stop_reindexing(self) -> Json:
        return self._on_reindexing(self._worker.stop_reindexing)

    def _on_reindexing(self, change: Callable[[], object]) -> Json:
        def changed() -> Json:
            require(self._edits, "all")
            change()
            return self.status()

        return guarded(changed, error_view)


def is_settled(status: Json) -> bool:
    """Returns whether nothing is on its way that the page would show sooner than in a while."""
    index = status["index"] or {}
    is_changing = status["model"]["state"] == "loading" or index.get("state") in ("loading", "rebuilding")
    return not (is_changing or (status["reindexing"] or {}).get("state") in ("loading", "encoding"))


def wire_reindexing(handlers: StatusHandlers, page: Controls) -> None:
    """Connects the buttons of the fallback banner with the reindexing."""

    def shown(value: Json) -> tuple[Any, Any]:
        return (gr.skip(), value) if value.get("state") == "error" else (value, gr.skip())

    def begin() -> tuple[Any, Any]:
        return shown(handlers.reindex())

    def halt() -> tuple[Any, Any]:
        return shown(handlers.stop_reindexing())

    page.banner.begin(begin, None, [page.header, page.notice], **CHANGING)
    page.banner.halt(halt, None, [page.header, page.notice], **CHANGING)


def wire_status(handlers: StatusHandlers, blocks: gr.Blocks, page: Controls) -> None:
    """Connects the timer of the page's head with the status that it shows."""

    def watch(clusters: int, pace: float) -> tuple[Json, Any, int, Any, float]:
        status = handlers.status()
        next_pace = SELDOM if is_settled(status) else SOON
        now = status["index"]["nlist"] if status["index"] else clusters
        # Only where it changed, and without a value: the visitor's stays.
        slider = gr.skip() if now == clusters else gr.update(maximum=now)
        return status, slider, now, gr.skip() if next_pace == pace else gr.Timer(next_pace), next_pace

    _, _, nprobe, _ = page.params
    clusters, pace = gr.State(FEWEST_CLUSTERS), gr.State(SOON)
    # At once after each search, too: the load / search / release cycle is there to be watched.
    gr.on(
        [blocks.load, page.status_timer.tick, page.results.change],
        watch,
        [clusters, pace],
        [page.header, nprobe, clusters, page.status_timer, pace],
        **WATCHING,
    )
