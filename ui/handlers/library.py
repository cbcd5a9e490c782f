"""What each control does: plain values in, plain values out, rights asked where something changes."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path, PurePath
from typing import Any

from library import validation
from library.errors import LikenessError, RejectedImage, UnknownSource
from library.image_library import ImageLibrary
from library.images import parse_content_id
from library.ingest.items import Item
from library.ingest.runs import AddJob, Worker
from library.ingest.storing import Near
from library.messages import message
from library.permissions import Edits, Sources, require
from library.search.fields import Fields
from library.search.query import Answer, Query, as_order
from library.search.request import PartRequest, parse_drafts, parse_match
from ui.address import filter_in, pairs_of, parts_in
from ui.guarded import guarded
from ui.handlers.exports import remove_all
from ui.views import (
    PAGE_SIZE,
    Json,
    View,
    answer_view,
    beside_view,
    browse_view,
    error_view,
    fields_view,
    models_view,
    past_runs_view,
    reindexing_view,
    run_view,
    status_view,
    waiting_view,
)

AUTOMATIC, MANUAL, EXACT = "Automatic", "Manual", "Exact"
NO_RUN: Json = {"state": "none"}
PAST_RUNS = 200

Started = tuple[Json, str | None]  # the view of a run, and its ID


class Handlers:
    """Keeps nothing of any one visitor: what a session looks at comes in and goes out with each call."""

    def __init__(
        self,
        library: ImageLibrary,
        worker: Worker,
        edits: Edits,
        uploads: Path,
        sources: Sources | None = None,
    ) -> None:
        """`uploads` is the only folder that uploaded files are read from."""
        self._library = library
        self._worker = worker
        self._edits = edits
        self._uploads = uploads.resolve()
        self._sources = sources

    def show(self, view: View, limit: Any, accuracy: Any, nprobe: Any, min_score: Any) -> Json:
        """The results of a search, or a page of the library where nothing is asked for. Never raises."""
        return guarded(
            lambda: self._shown(view, limit, accuracy, nprobe, min_score), lambda error: error_view(error, view)
        )

    def _shown(self, view: View, limit: Any, accuracy: Any, nprobe: Any, min_score: Any) -> Json:
        if view.is_plain:
            return self._browse(view)
        query = self._query(view, limit, accuracy, nprobe, min_score)
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

    def _prepare_other(self, view: View) -> tuple[bool, str]:
        """Whether the model to compare with need not be waited for, and why it cannot be had, if so."""
        if not view.against or view.is_browsing:
            return True, ""
        try:
            return self._library.models.prepare(view.against), ""
        except LikenessError as error:
            return True, str(error)

    def _beside(self, answer: Answer, query: Query, view: View, problem: str) -> Json:
        """What the other model adds to the answer; where it has none, why."""
        try:
            other = None if problem else self._library.search(replace(query, model=view.against))
        except LikenessError as error:
            other, problem = None, str(error)
        if other is None:
            return {"notes": [*map(str, answer.notes), problem]}
        return {
            "beside": beside_view(answer, other, view.offset),
            "has_more": answer.has_more or other.has_more,
        }

    def visit(self, data: Any, limit: Any, accuracy: Any, nprobe: Any, min_score: Any) -> tuple[Json, View]:
        """Where a link, an example, a page button or the address bar leads."""

        def visited() -> tuple[Json, View]:
            view = self.addressed(data)
            return self.show(view, limit, accuracy, nprobe, min_score), view

        return guarded(visited, lambda error: (error_view(error), View()))

    def filtered(
        self, view: View, data: Any, limit: Any, accuracy: Any, nprobe: Any, min_score: Any
    ) -> tuple[Json, View]:
        """The same under other filters and in another order, from its first page on."""

        def filtered() -> tuple[Json, View]:
            given = validation.mapping(data)
            where = self._library.fields.typed(parse_drafts(given.get("rows")), parse_match(given.get("match")))
            asked = replace(view, where=where, order=as_order(given.get("sort")), offset=0)
            return self.show(asked, limit, accuracy, nprobe, min_score), asked

        return guarded(filtered, lambda error: (error_view(error, view), view))

    def fields(self) -> Json:
        """What a filter can be about; what is always there, where the rest cannot be had."""
        always = Fields().all()
        if self._library.status().model.is_loading:
            return fields_view(always)
        return guarded(lambda: fields_view(self._library.fields.all()), lambda error: fields_view(always))

    def asked(self, box: Any, before: View | None = None) -> View:
        """What the search box holds, under the filters so far; paths of pictures are checked where they are read."""
        given, kept = validation.mapping(box), before or View()
        text = validation.text(given.get("text"))
        files = [PartRequest(image=str(path), name=PurePath(str(path)).name) for path in given.get("files") or []]
        parts = (*([PartRequest(text=text)] if text else []), *files)
        return View(parts, where=kept.where, order=kept.order, model=kept.model, against=kept.against)

    def addressed(self, data: Any) -> View:
        """What a link or a button of the page asks for. Raises InvalidContentId, InvalidFilter or InvalidQuery."""
        given = validation.mapping(data)
        pairs = pairs_of(given)
        said = dict(pairs) if "address" in given else given
        has_parts = "parts" in given
        view = View.parse(
            parts=given["parts"] if has_parts else parts_in(pairs),
            where=filter_in(said.get("where")),
            match=said.get("match"),
            sort=said.get("sort") or "score",
            offset=0 if has_parts else validation.offset(given.get("offset")),
            model=said.get("model"),
        )
        turn = validation.offset(given.get("turn")) if has_parts else 0
        return replace(view, turn=turn, against=validation.text(said.get("against")))

    def offset(self, data: Any) -> int:
        return validation.offset(validation.mapping(data).get("offset"))

    def box_text(self, data: Any) -> str | None:
        """What the search box says at an address; None where the page changes what is looked at, which leaves it be."""
        given = validation.mapping(data)
        if "offset" in given or "parts" in given:
            return None
        return next((validation.text(value) for name, value in pairs_of(given) if name == "q"), "")

    def add(self, data: Any) -> Started:
        """Starts a run over uploaded files; the run's view and its ID."""

        def added() -> Started:
            require(self._edits, "add")
            return self._started(self._items(data), near="note")

        return guarded(added, _not_started)

    def start(self, files: Any) -> AddJob:
        """Starts a run over what a client of the API uploaded. Raises NotAllowed or RejectedImage."""
        require(self._edits, "add")
        entries = validation.entries(files)
        if not entries:
            raise RejectedImage("No files arrived. Upload one or more pictures.")
        named = [{"path": entry.get("path"), "name": _given_name(entry)} for entry in entries]
        return self._worker.start(_joined([self._uploads_in(entry) for entry in named]), near="note")

    def add_samples(self) -> Started:
        from library.samples.pictures import sample_items

        def added() -> Started:
            require(self._edits, "add")
            return self._started(list(sample_items()), "samples")

        return guarded(added, _not_started)

    def add_from_server(self, data: Any) -> Started:
        """Starts a run over a place on the server's disk or network."""

        def added() -> Started:
            require(self._edits, "all")
            given = validation.mapping(data)
            source = validation.text(given.get("source"))
            if not source or self._sources is None:
                raise UnknownSource("No place is named. Give a folder, an archive, a bucket or a table of the server.")
            items = self._sources.items(source, validation.text(given.get("image_column")))
            return self._started(items, source, in_place=given.get("in_place") is True, near="note")

        return guarded(added, _not_started)

    def past_runs(self) -> Json:
        return past_runs_view(self._library.history.newest(PAST_RUNS))

    def follow(self, run_id: str | None) -> Started:
        """How far a run is; without an ID, the run that anyone has under way."""
        run = self._worker.find(run_id) if run_id else self._worker.current()
        return (run_view(run), run.id) if run else (NO_RUN, None)

    def stop(self, run_id: str | None) -> Started:

        def stopped() -> Started:
            require(self._edits, "add")
            run = self._worker.find(run_id) if run_id else None
            if run:
                run.stop.set()
            return self.follow(run_id)

        return guarded(stopped, _not_started)

    def remove(self, data: Any) -> Json:
        """Deletes one picture for good; a notice to show."""

        def removed() -> Json:
            require(self._edits, "all")
            given = validation.mapping(data)
            (record,) = self._library.delete([parse_content_id(validation.text(given.get("id")))])
            return {"removed": record.content_id, "name": record.name}

        return guarded(removed, error_view) | {"at": time.monotonic()}

    def remove_all(self, data: Any) -> Json:
        """Deletes several pictures for good; a notice to show."""
        return guarded(lambda: remove_all(self._library, self._edits, data), error_view) | {"at": time.monotonic()}

    def uploaded_bytes(self, path: Any) -> bytes:
        """Raises RejectedImage for a path that no upload led to."""
        if uploaded := self._uploaded(path):
            return uploaded.read_bytes()
        raise RejectedImage("The picture to search with is no longer here. Choose it again.")

    def status(self) -> Json:
        uploading = self._worker.current() is not None  # what is stored first gets its row a moment later
        value = status_view(self._library.status())
        return value | {
            "missing": 0 if uploading else value["missing"],
            "reindexing": reindexing_view(self._worker.reindexing),
            "may_reindex": self._edits == "all",
            "models": models_view(self._library.models.offered()),
        }

    def reindex(self) -> Json:
        """Tries the chosen model again and encodes what it lacks; the status, or why that is not allowed."""
        return self._on_reindexing(self._worker.reindex)

    def stop_reindexing(self) -> Json:
        return self._on_reindexing(self._worker.stop_reindexing)

    def _browse(self, view: View) -> Json:
        total = self._library.pictures.count()
        records = self._library.browse(view.offset, PAGE_SIZE)
        return browse_view(records, total if total is not None else len(records), view)

    def _query(self, view: View, limit: Any, accuracy: Any, nprobe: Any, min_score: Any) -> Query:
        asked = view.without_idle_parts().with_settings(
            limit=limit,
            nprobe=nprobe if accuracy == MANUAL else None,
            exact=accuracy == EXACT,
            min_score=min_score,
        )
        lowest = asked.min_score or -1.0  # the slider's zero end means: show everything
        return replace(asked, min_score=lowest, offset=0 if view.is_browsing else view.offset).query(
            self.uploaded_bytes
        )

    def _uploaded(self, path: Any) -> Path | None:
        """The file, if it is one that was uploaded: a client can name any path."""
        try:
            resolved = Path(str(path)).resolve()
            return resolved if resolved.is_relative_to(self._uploads) and resolved.is_file() else None
        except (OSError, ValueError):
            return None

    def _items(self, data: Any) -> Iterable[Item]:
        given = validation.mapping(data)
        parts = [self._uploads_in(entry) for entry in validation.entries(given.get("files"))]
        for entry in validation.entries(given.get("left_out")):
            name = validation.file_name(entry.get("name"))
            reason = message(validation.text(entry.get("reason"), 200) or "not_uploaded")
            parts.append([Item(name, name, bytes, skip=reason)])
        if not parts:
            raise RejectedImage("No files arrived. Choose pictures or a folder first.")
        return _joined(parts)

    def _uploads_in(self, entry: Mapping[str, Any]) -> Iterable[Item]:
        """The file itself, or what the archive holds that it is."""
        name = validation.file_name(entry.get("name"))
        path = self._uploaded(entry.get("path"))
        if path is None:
            return [Item(name, name, bytes, skip=message("not_arrived"))]
        packed = self._sources.in_archive(path, name) if self._sources else None
        return packed or [Item(name, name, path.read_bytes, "upload")]

    def _on_reindexing(self, change: Callable[[], object]) -> Json:
        def changed() -> Json:
            require(self._edits, "all")
            change()
            return self.status()

        return guarded(changed, error_view)

    def _started(
        self, items: Iterable[Item], source: str = "upload", in_place: bool = False, near: Near = "take"
    ) -> Started:
        run = self._worker.start(items, source, in_place, near)
        return run_view(run), run.id


def _joined(parts: Sequence[Iterable[Item]]) -> Iterable[Item]:
    """A list, whose length can be told, unless there are archives: they are listed as they are read."""
    if all(isinstance(part, list) for part in parts):
        return [item for part in parts for item in part]
    return chain.from_iterable(parts)


def _given_name(entry: Mapping[str, Any]) -> str:
    return validation.text(entry.get("orig_name")) or PurePath(validation.text(entry.get("path"))).name


def _not_started(error: Exception) -> Started:
    return error_view(error), None
