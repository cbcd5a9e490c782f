"""Searches on the page: the search box, links, filters and pages of results."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any, NamedTuple

import gradio as gr

from library import validation
from library.errors import InvalidQuery, LikenessError
from library.image_library import ImageLibrary
from library.images import ContentId
from library.messages import Message
from library.search.fields import Fields
from library.search.query import Answer, Query, as_order
from library.search.request import PartRequest, parse_drafts, parse_match, text_to_search
from ui.address import filter_in, pairs_of, parts_in, settings_in
from ui.controls import Controls
from ui.guarded import guarded
from ui.lanes import SEARCHING, WATCHING
from ui.uploaded_files import UploadedFiles
from ui.views import (
    PAGE_SIZE,
    Json,
    View,
    answer_view,
    beside_view,
    browse_view,
    error_view,
    fields_view,
    waiting_view,
)

AUTOMATIC, MANUAL, EXACT = "Automatic", "Manual", "Exact"


class SearchSettings(NamedTuple):
    """Holds what the controls of a search are set to, in their order on the page; nothing of it has been checked."""

    limit: Any
    accuracy: Any
    nprobe: Any
    min_score: Any


class SearchHandlers:
    """Answers the searches of the page, and keeps nothing of any visitor: each call brings its session's `View`."""

    def __init__(
        self, library: ImageLibrary, uploaded: UploadedFiles, own_ids: Callable[[], Sequence[ContentId]] | None = None
    ) -> None:
        """Takes, for the demo, a function that returns the IDs of the visitor's own pictures, `own_ids`."""
        self._library = library
        self._own_ids = own_ids
        self._uploaded = uploaded

    def show(self, view: View, settings: SearchSettings) -> Json:
        """Returns the results of a search, or a page of the library where the query is empty. Never raises."""

        def shown() -> Json:
            with self._uploaded.held(view.parts):
                value = self._shown(view, settings)
            return value | {"own": list(self._own_ids())} if self._own_ids else value

        return guarded(shown, lambda error: error_view(error, view))

    def submit(self, box: Any, view: View, settings: SearchSettings) -> tuple[Json, View]:
        """Returns the results for what is in the search box, under the current filters."""

        def submitted() -> tuple[Json, View]:
            wanted = self.in_box(box, view)
            return self.show(wanted, settings), wanted

        return guarded(submitted, lambda error: (error_view(error, view), view))

    def refresh(self, view: View, settings: SearchSettings) -> Json:
        """Returns the same view anew, marked so that the page drops it once it shows another one."""
        return self.show(view, settings) | {"refreshes": True}

    def visit(self, data: Any, settings: SearchSettings) -> tuple[Json, View]:
        """Returns what a link, an example, a page button or the address bar leads to."""

        def visited() -> tuple[Json, View]:
            view = self.addressed(data)
            return self.show(view, self.tuned(data, settings)), view

        return guarded(visited, lambda error: (error_view(error), View()))

    def filtered(self, view: View, data: Any, settings: SearchSettings) -> tuple[Json, View]:
        """Returns the first page of the same search under other filters and in another order."""

        def filtered() -> tuple[Json, View]:
            given = validation.mapping(data)
            where = self._library.fields.typed(parse_drafts(given.get("rows")), parse_match(given.get("match")))
            wanted = replace(view, where=where, order=as_order(given.get("sort")), offset=0)
            return self.show(wanted, settings), wanted

        return guarded(filtered, lambda error: (error_view(error, view), view))

    def fields(self) -> Json:
        """Returns the fields for filters; only those that every picture has, where the others are not available."""
        always = Fields().all()
        if self._library.status().model.is_loading:
            return fields_view(always)
        return guarded(lambda: fields_view(self._library.fields.all()), lambda error: fields_view(always))

    def in_box(self, box: Any, before: View | None = None) -> View:
        """Returns the search for what is in the search box, under the current filters. Raises InvalidQuery.

        Paths of pictures are checked where they are read.
        """
        given, kept = validation.mapping(box), before or View()
        typed = given.get("text")
        text = text_to_search(typed) if isinstance(typed, str) else ""
        files = [PartRequest(image=str(path), name=PurePath(str(path)).name) for path in given.get("files") or []]
        parts = (*([PartRequest(text=text)] if text else []), *files)
        return View(parts, where=kept.where, order=kept.order, model=kept.model, against=kept.against)

    def addressed(self, data: Any) -> View:
        """Returns the search that a link or a button names. Raises InvalidContentId, InvalidFilter or InvalidQuery."""
        given = validation.mapping(data)
        pairs = pairs_of(given)
        said = dict(pairs) if "address" in given else given
        has_parts = "parts" in given
        view = View.parse(
            parts=given["parts"] if has_parts else parts_in(pairs),
            where=filter_in(said.get("where")),
            match=said.get("match"),
            sort=said.get("sort") or "score",
            offset=0 if has_parts else _offset(settings_in(pairs), given),
            model=said.get("model"),
        )
        turn = validation.offset(given.get("turn")) if has_parts else 0
        return replace(view, turn=turn, against=validation.text(said.get("against")))

    def tuned(self, data: Any, settings: SearchSettings) -> SearchSettings:
        """Returns the settings of a search, with those that an address names in the place of the controls' own."""
        said = settings_in(pairs_of(validation.mapping(data)))
        return SearchSettings(
            said.get("limit", settings.limit),
            EXACT if said.get("exact") else MANUAL if "nprobe" in said else settings.accuracy,
            said.get("nprobe", settings.nprobe),
            said.get("min_score", settings.min_score),
        )

    def offset(self, data: Any) -> int:
        return validation.offset(validation.mapping(data).get("offset"))

    def box_text(self, data: Any) -> str | None:
        """Returns the text of the search box at an address; None where the box is to stay as it is."""
        given = validation.mapping(data)
        if "offset" in given or "parts" in given:
            return None
        return next((validation.text(value) for name, value in pairs_of(given) if name == "q"), "")

    def _shown(self, view: View, settings: SearchSettings) -> Json:
        if view.is_plain:
            return self._browse(view)
        query = self._query(view, settings)
        is_ready = self._library.models.prepare(view.model)
        other_is_ready, problem = self._prepare_other(view)
        if not (is_ready and other_is_ready):  # the page asks again once they are there
            return waiting_view(view)
        if view.is_browsing:
            listing = self._library.listed(view.where, view.order, view.offset, PAGE_SIZE)
            return browse_view(listing.records, listing.total, view)
        answer = self._library.search(query)
        value = answer_view(answer, view, self._library.pictures.count(), query.min_score, query.limit)
        return value | self._beside(answer, query, view, problem) if view.against else value

    def _prepare_other(self, view: View) -> tuple[bool, Message | None]:
        """Returns whether the model to compare with is ready or failed, and in the latter case why."""
        if not view.against or view.is_browsing:
            return True, None
        try:
            return self._library.models.prepare(view.against), None
        except LikenessError as error:
            return True, error.message

    def _beside(self, answer: Answer, query: Query, view: View, problem: Message | None) -> Json:
        """Returns what the other model adds to the answer, or a note why it has none."""
        try:
            other = None if problem else self._library.search(replace(query, model=view.against))
        except LikenessError as error:
            other, problem = None, error.message
        if other is None:
            return {"notes": list(map(str, filter(None, [*answer.notes, problem])))}
        return {
            "beside": beside_view(answer, other),
            "has_more": answer.has_more or other.has_more,
        }

    def _browse(self, view: View) -> Json:
        total = self._library.pictures.count()
        records = self._library.browse(view.offset, PAGE_SIZE)
        return browse_view(records, total if total is not None else len(records), view)

    def _query(self, view: View, settings: SearchSettings) -> Query:
        wanted = view.without_idle_parts().with_settings(
            limit=settings.limit,
            nprobe=settings.nprobe if settings.accuracy == MANUAL else None,
            exact=settings.accuracy == EXACT,
            min_score=settings.min_score,
        )
        lowest = wanted.min_score or -1.0  # the slider's zero end means: show everything
        return replace(wanted, min_score=lowest, offset=0 if view.is_browsing else view.offset).query(
            self._uploaded.read
        )


def _offset(said: Mapping[str, Any], given: Mapping[str, Any]) -> int:
    """Returns how many results an address, or else a button, leaves out. Raises InvalidQuery for an address only."""
    if "offset" not in said:
        return validation.offset(given.get("offset"))
    offset = validation.whole(said["offset"], "offset")
    if offset < 0:
        raise InvalidQuery("offset_out_of_range", offset=validation.shown(offset))
    return validation.offset(offset)


def wire_searches(handlers: SearchHandlers, page: Controls) -> None:
    """Connects the search box, the links and the page buttons with their handlers."""

    def search(box: Any, view: View, *settings: Any) -> tuple[Json, View]:
        return handlers.submit(box, view, SearchSettings(*settings))

    def refill(event: gr.EventData) -> Any:
        text = handlers.box_text(event._data)
        return gr.skip() if text is None else {"text": text, "files": []}

    def visit(event: gr.EventData, *settings: Any) -> tuple[Json, View]:
        return handlers.visit(event._data, SearchSettings(*settings))

    def retune(view: View, *settings: Any) -> tuple[Any, Any]:
        first = view.at(0)
        if view.is_browsing:
            return gr.skip(), gr.skip()
        return handlers.show(first, SearchSettings(*settings)), first

    def turn(event: gr.EventData, view: View, *settings: Any) -> tuple[Json, View]:
        turned = view.at(handlers.offset(event._data))
        return handlers.show(turned, SearchSettings(*settings)), turned

    def refresh(view: View, *settings: Any) -> Json:
        return handlers.refresh(view, SearchSettings(*settings))

    page.box.submit(search, [page.box, page.view, *page.params], [page.results, page.view], **SEARCHING)
    # On its own, since a search takes its time: it must not wipe what is typed meanwhile.
    page.results.visit(refill, None, page.box, **WATCHING)
    page.results.visit(visit, [*page.params], [page.results, page.view], **SEARCHING)
    page.results.again(refresh, [page.view, *page.params], page.results, **SEARCHING)
    page.results.turn(turn, [page.view, *page.params], [page.results, page.view], **SEARCHING)
    limit, accuracy, nprobe, min_score = page.params
    for slider in (limit, nprobe, min_score):
        slider.release(retune, [page.view, *page.params], [page.results, page.view], **SEARCHING)
    accuracy.input(retune, [page.view, *page.params], [page.results, page.view], **SEARCHING)


def wire_filters(handlers: SearchHandlers, page: Controls) -> None:
    """Connects the filters and the order with their handlers."""

    def apply(event: gr.EventData, view: View, *settings: Any) -> tuple[Json, View]:
        return handlers.filtered(view, event._data, SearchSettings(*settings))

    page.filters.applied(apply, [page.view, *page.params], [page.results, page.view], **SEARCHING)
    page.filters.asked(handlers.fields, None, page.filters, **WATCHING)
