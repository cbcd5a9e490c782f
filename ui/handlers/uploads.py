"""Adds pictures on the page: uploads, samples, places of the server, and the runs over them."""

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from pathlib import Path, PurePath
from typing import Any, NoReturn

import gradio as gr

from library import validation
from library.errors import RejectedImage, UnknownSource
from library.image_library import ImageLibrary
from library.images import reason_to_skip, reason_to_skip_folder
from library.ingest.items import Beside, Item
from library.ingest.runs import AddJob, Worker
from library.ingest.storing import Near
from library.messages import message
from library.permissions import Edits, Sources, require
from ui.controls import Controls
from ui.guarded import guarded
from ui.lanes import CHANGING, WATCHING
from ui.uploaded_files import MAX_FILE_MEGABYTES, UploadedFiles
from ui.views import Json, error_view, past_runs_view, run_view
from ui.visitor_cookie import visitor_of

NO_RUN: Json = {"state": "none"}
PAST_RUNS = 200
# Files of one upload, of all its archives together: a hundred thousand would hold up all others for minutes.
MOST_UPLOADED, MOST_OF_STRANGERS = 20_000, 2_000

Started = tuple[Json, str | None]  # the view of a run, and its ID


class UploadHandlers:
    """Starts runs that add pictures, and tells how far they are."""

    def __init__(
        self,
        library: ImageLibrary,
        worker: Worker,
        edits: Edits,
        uploaded: UploadedFiles,
        sources: Sources | None = None,
        most_files: int = MOST_UPLOADED,
        quota: int = 0,
    ) -> None:
        """Reads at most `most_files` of one upload, whatever its archives hold. `quota` is how many pictures each
        visitor of the demo may have; 0 elsewhere."""
        self._library = library
        self._worker = worker
        self._edits = edits
        self._uploaded = uploaded
        self._sources = sources
        self._most_files = most_files
        self._quota = quota

    def add(self, data: Any, visitor: str = "") -> Started:
        """Starts a run over uploaded files; returns its view and its ID. Only that visitor sees it, or EDITS=all."""

        def added() -> Started:
            require(self._edits, "add")
            return self._started(self._items(data), visitor, near="note")

        return guarded(added, _not_started)

    def start(self, files: Any) -> AddJob:
        """Starts a run over what a client of the API uploaded, which alone is answered: to visitors it is nobody's.

        Raises NotAllowed or RejectedImage.
        """
        require(self._edits, "add")
        entries = validation.entries(files)
        if not entries:
            raise RejectedImage("no_files_uploaded")
        named = [{"path": entry.get("path"), "name": _given_name(entry)} for entry in entries]
        return self._worker.start(self._joined(self._uploads(named)), near="note", owner=secrets.token_hex())

    def add_samples(self, visitor: str = "") -> Started:
        from library.samples.pictures import sample_items

        def added() -> Started:
            require(self._edits, "samples")
            return self._started(list(sample_items()), visitor, "samples")

        return guarded(added, _not_started)

    def add_from_server(self, data: Any, visitor: str = "") -> Started:
        """Starts a run over a place on the server's disk or network."""

        def added() -> Started:
            require(self._edits, "all")
            given = validation.mapping(data)
            source = validation.text(given.get("source"))
            if not source or self._sources is None:
                raise UnknownSource("no_place")
            items = self._sources.items(source, validation.text(given.get("image_column")))
            return self._started(items, visitor, source, in_place=given.get("in_place") is True, near="note")

        return guarded(added, _not_started)

    def past_runs(self) -> Json:
        return past_runs_view(self._library.history.newest(PAST_RUNS))

    def follow(self, run_id: str | None, visitor: str = "") -> Started:
        """Returns how far a run of the visitor is; without an ID, the run that is under way."""
        run = self._run(run_id, visitor) if run_id else self._worker.current(self._seen_by(visitor))
        return (run_view(run), run.id) if run else (NO_RUN, None)

    @property
    def is_busy(self) -> bool:
        """Returns whether any run is at work or in line, whoever began it."""
        return self._worker.current() is not None

    def stop(self, run_id: str | None, visitor: str = "") -> Started:

        def stopped() -> Started:
            require(self._edits, "add")
            if run := self._run(run_id or "", visitor):
                run.stop.set()
            return self.follow(run_id, visitor)

        return guarded(stopped, _not_started)

    def _run(self, run_id: str, visitor: str) -> AddJob | None:
        run = self._worker.find(run_id)
        return run if run and self._seen_by(visitor) in (None, run.owner) else None

    def _seen_by(self, visitor: str) -> str | None:
        """Returns whose runs the visitor sees; None stands for everybody's that the worker knows.

        With DEMO, that of a visitor knows their own only.
        """
        return None if self._edits in ("all", "own") else visitor

    def _items(self, data: Any) -> Iterable[Item]:
        given = validation.mapping(data)
        parts = self._uploads(validation.entries(given.get("files")))
        left_out = validation.entries(given.get("left_out"))
        parts.append([_left_out(validation.file_name(each.get("name")), each.get("reason")) for each in left_out])
        if not any(parts):
            raise RejectedImage("no_files")
        return self._joined(parts)

    def _uploads(self, entries: Sequence[Mapping[str, Any]]) -> list[Iterable[Item]]:
        """Returns, for each entry, the uploaded file or the contents of an uploaded archive."""
        folders: dict[str, dict[str, Path]] = {}
        for entry in entries:
            if path := self._uploaded.find(entry.get("path")):
                folders.setdefault(_folder(entry), {})[validation.file_name(entry.get("name"))] = path
        beside = {folder: self._sources.beside(files) for folder, files in folders.items()} if self._sources else {}
        return [self._uploads_in(entry, beside.get(_folder(entry))) for entry in entries]

    def _uploads_in(self, entry: Mapping[str, Any], beside: Beside | None) -> Iterable[Item]:
        name = validation.file_name(entry.get("name"))
        path = self._uploaded.find(entry.get("path"))
        if path is None:
            return [Item(name, name, bytes, skip=message("not_arrived"))]
        if packed := self._sources.in_archive(path, name, self._most_files) if self._sources else None:
            return map(self._with_quota, packed) if self._quota else packed
        skip, describe = (beside.reason_if_one(name), beside.describing(name)) if beside else (None, None)
        size = partial(os.path.getsize, path)
        return [Item(name, name, path.read_bytes, "upload", skip=skip, describe=describe, size=size)]

    def _with_quota(self, item: Item) -> Item:
        """Returns an item of an archive; one of too many files is told how many pictures the demo takes."""

        def read() -> bytes:
            try:
                return item.read()
            except RejectedImage as error:
                if error.message.code != "archive_members":
                    raise
                raise RejectedImage("archive_beyond_quota", most=self._most_files, count=self._quota) from None

        return replace(item, read=read)

    def _joined(self, parts: Sequence[Iterable[Item]]) -> Iterable[Item]:
        """Returns a list, whose length is known; with archives an iterator, since they are listed as they are read."""
        if all(isinstance(part, list) for part in parts):
            return [item for part in parts for item in part]
        return at_most(self._most_files, chain.from_iterable(parts))

    def _started(
        self,
        items: Iterable[Item],
        visitor: str,
        source: str = "upload",
        in_place: bool = False,
        near: Near = "take",
    ) -> Started:
        run = self._worker.start(items, source, in_place, near, visitor)
        return run_view(run), run.id


def at_most(count: int, items: Iterable[Item]) -> Iterator[Item]:
    """Yields at most `count` items; where there are more, one that says that they are left out."""
    remaining = iter(items)
    yield from islice(remaining, count)
    if next(remaining, None):
        yield Item("further files", "further files", partial(_refuse, RejectedImage("upload_too_many", most=count)))


def _left_out(path: str, reason: Any) -> Item:
    """Returns what the browser did not send, with the reason; `path` begins with the folder that was chosen."""
    if reason == "unreadable":
        return Item(path, path, partial(_refuse, RejectedImage("unread_by_browser")))
    if reason == "disk_full":
        return Item(path, path, partial(_refuse, RejectedImage("upload_disk_full")))
    if reason == "too_large":
        skip = message("too_large_to_upload", megabytes=MAX_FILE_MEGABYTES)
    elif reason == "failed":
        skip = message("not_arrived")
    elif reason == "empty":
        skip = message("folder_empty")
    else:
        below = path.partition("/")[2]
        is_folder = below.endswith("/")
        own = reason_to_skip_folder(PurePath(below).name) if is_folder else reason_to_skip(below or path)
        skip = own or message("not_uploaded")
    return Item(path, path, bytes, skip=skip)


def _refuse(problem: RejectedImage) -> NoReturn:
    raise problem


def _folder(entry: Mapping[str, Any]) -> str:
    """Returns the folder in which a file lay before it was uploaded, as the browser names it."""
    return validation.text(entry.get("folder"))


def _given_name(entry: Mapping[str, Any]) -> str:
    return validation.text(entry.get("orig_name")) or PurePath(validation.text(entry.get("path"))).name


def _not_started(error: Exception) -> Started:
    return error_view(error), None


def wire_uploads(handlers: UploadHandlers, page: Controls) -> None:
    """Connects uploads, samples and places of the server with their handlers."""
    begun = [page.run, page.run_id, page.run_timer]
    updated = [page.run, page.run_timer]

    def add(event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        return followed(handlers.add(event._data, visitor_of(request)))

    def add_samples(request: gr.Request) -> tuple[Any, ...]:
        return followed(handlers.add_samples(visitor_of(request)))

    def add_from_server(event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        return followed(handlers.add_from_server(event._data, visitor_of(request)))

    # These two never write the ID: an answer that is late would have the page follow an earlier run.
    def stop(run_id: str | None, request: gr.Request) -> tuple[Any, ...]:
        return _updated(handlers.stop(run_id, visitor_of(request)), handlers.is_busy)

    def go_on(run_id: str | None, request: gr.Request) -> tuple[Any, ...]:
        return _updated(handlers.follow(run_id, visitor_of(request)), handlers.is_busy)

    page.uploads.arrived(add, None, begun, **CHANGING)
    page.uploads.named(add_from_server, None, begun, **CHANGING)
    page.results.samples(add_samples, None, begun, **CHANGING)
    page.run.halt(stop, page.run_id, updated, **CHANGING)
    page.past_runs.asked(handlers.past_runs, None, page.past_runs, **WATCHING)
    page.run_timer.tick(go_on, page.run_id, updated, **WATCHING)


def followed(state: Started) -> tuple[Json, str | None, gr.Timer]:
    """Returns a run as the page shows it, its ID, and the timer, which goes on while the run does."""
    shown, run_id = state
    return shown, run_id, gr.Timer(active=shown["state"] in ("waiting", "running"))


def _updated(state: Started, is_busy: bool) -> tuple[Json, gr.Timer]:
    shown, _, timer = followed(state)
    return shown, gr.Timer(active=True) if is_busy else timer
