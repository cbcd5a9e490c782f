"""Tells what the panel of models shows: which can be searched, what each has encoded, and who may change that."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr

from library import validation
from library.errors import UnknownCollection
from library.image_library import ImageLibrary
from library.ingest.runs import Worker
from library.models import OfferedModel
from library.permissions import Edits, require
from library.ports import StoredCollection
from ui.controls import Controls
from ui.guarded import guarded
from ui.handlers.search import SearchHandlers, SearchSettings
from ui.lanes import SEARCHING, WATCHING
from ui.sentences import without_folder
from ui.views import Json, View, error_view, models_view, reindexing_view


class ModelHandlers:
    """Answers the panel of models: which one a search uses, and what each has encoded."""

    def __init__(self, library: ImageLibrary, worker: Worker, edits: Edits) -> None:
        self._library = library
        self._worker = worker
        self._edits = edits

    def chosen(self, view: View, data: Any) -> View:
        """Returns the same search with another model, or with two; with the current one where none is named."""
        given = validation.mapping(data)
        model, against = validation.text(given.get("model")), validation.text(given.get("against"))
        return replace(view, model=model, against="" if against == model else against, offset=0)

    def view(self) -> Json:
        """Returns the models and the stored collections."""
        return self._told(lambda: None)

    def encode(self, data: Any) -> Json:
        """Encodes in the background what a model lacks, or goes on with it."""

        def encode() -> None:
            require(self._edits, "all")
            self._worker.reindex(validation.text(validation.mapping(data).get("model")))

        return self._told(encode)

    def stop(self) -> Json:
        def stop() -> None:
            require(self._edits, "all")
            self._worker.stop_reindexing()

        return self._told(stop)

    def drop(self, data: Any) -> Json:
        """Moves a collection to the trash; the pictures stay."""

        def drop() -> None:
            require(self._edits, "all")
            name = validation.text(validation.mapping(data).get("collection"))
            work = self._worker.reindexing
            if work and not work.over.is_set():
                raise UnknownCollection("encoding_now")
            self._library.collections.drop(name)

        return self._told(drop)

    def _told(self, change: Callable[[], None]) -> Json:
        refused = guarded(change, error_view)
        offered = self._library.models.offered()
        pictures = self._library.status().pictures
        value: Json = {
            "at": time.monotonic(),  # every answer is drawn, since each is another one
            "may": self._edits == "all",
            "pictures": pictures,
            "reindexing": reindexing_view(self._worker.reindexing),
            "models": models_view(offered),
            "collections": [],
        }

        def list_collections() -> None:
            value["collections"] = [_collection(each, offered, pictures) for each in self._library.collections.stored()]

        unlisted = guarded(list_collections, error_view)
        failure = refused or unlisted
        return value | {"problem": failure["detail"] if failure else None}


def wire_models(handlers: ModelHandlers, searches: SearchHandlers, page: Controls) -> None:
    """Connects the lists and the panel of models with their handlers."""

    def choose(event: gr.EventData, view: View, *settings: Any) -> Any:
        wanted = handlers.chosen(view, event._data)
        return searches.show(wanted, SearchSettings(*settings)), wanted

    def encode(event: gr.EventData) -> Json:
        return handlers.encode(event._data)

    def drop(event: gr.EventData) -> Json:
        return handlers.drop(event._data)

    models = page.reports.models
    page.models.chosen(choose, [page.view, *page.params], [page.results, page.view], **SEARCHING)
    models.asked(handlers.view, None, models, **WATCHING)
    models.begin(encode, None, models, **WATCHING)
    models.halt(handlers.stop, None, models, **WATCHING)
    models.dropped(drop, None, models, **WATCHING)


def _collection(each: StoredCollection, offered: list[OfferedModel], pictures: int | None) -> Json:
    """Returns the view of a collection; `of` is the offered model that made it, weights included."""
    of = next((model.name for model in offered if _is_of(each, model)), "")
    return {
        "name": each.name,
        "model": without_folder(each.model),
        "of": of,
        "answers": any(model.answers and model.name == of for model in offered),
        "dim": each.dim,
        "rows": each.rows,
        "missing": max(0, (pictures or 0) - each.rows),
        "bytes": each.vector_bytes,
        "created": each.created,
    }


def _is_of(each: StoredCollection, model: OfferedModel) -> bool:
    if model.info:
        return (each.model, each.fingerprint) == (model.info.name, model.info.fingerprint)
    return each.model == model.name
