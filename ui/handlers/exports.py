"""Serves the route that exports selected pictures as a file to download."""

import codecs
import json
import math
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, get_args
from urllib.parse import parse_qs

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from library import validation
from library.errors import InvalidSelection, LikenessError, UnknownPicture
from library.exports.results import EXPORT_FORMATS, ExportFormat, Result, check_size, written
from library.image_library import ImageLibrary
from library.images import ContentId
from library.search.relevance import Words
from ui.handlers.removal import none_found, selected_ids
from ui.media import SAFE, refusal
from ui.sentences import known_language, without_folder

PREFIX = "/gradio_api/taking"  # as ever: pages that were opened before an update post there
MAX_BODY = 2_000_000
AT_ONCE = 4
TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json", "zip": "application/zip"}
# The page reads the sentence out of its own frame, which a sandbox would not let it do.
READABLE = {**SAFE, "Content-Security-Policy": "default-src 'none'"}


def export_routes(library: ImageLibrary) -> list[Route]:
    """Returns the route that takes a form with the field `rows`: id, rank, score and relevance of each result."""
    threads = CapacityLimiter(AT_ONCE)

    async def export(request: Request) -> Response:
        try:
            rows = _rows(await _body(request))
            kind, language = request.path_params["kind"], known_language(request.query_params.get("lang"))
            return await to_thread.run_sync(_file, library, kind, rows, language, threads, limiter=threads)
        except LikenessError as error:
            return refusal(error, request, READABLE)

    return [Route(f"{PREFIX}/{{kind}}", export, methods=["POST"])]


def _file(library: ImageLibrary, kind: str, rows: Sequence[Any], language: str, threads: CapacityLimiter) -> Response:
    """Returns the file to download, which is read in the `threads`.

    Raises InvalidSelection, InvalidContentId, UnknownPicture or StoreUnavailable.
    """
    checked = _kind(kind)
    results, gone = _results(library, rows)
    check_size(results, checked)
    headers = {
        "Content-Disposition": f'attachment; filename="{_name(results, checked)}"',
        "Cache-Control": "no-store",
        **SAFE,
    }
    pieces = _read_in(threads, _pieces(library, checked, results, gone, language))
    return StreamingResponse(pieces, media_type=TYPES[checked], headers=headers)


async def _read_in(threads: CapacityLimiter, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (piece := await to_thread.run_sync(next, pieces, None, limiter=threads)) is not None:
        yield piece


def _pieces(
    library: ImageLibrary, kind: ExportFormat, results: Sequence[Result], gone: Sequence[ContentId], language: str
) -> Iterator[bytes]:
    pieces = written(kind, results, library.original, gone, language)
    # Spreadsheets take a file without this mark for one of their own encoding.
    return chain([codecs.BOM_UTF8], pieces) if kind == "csv" else pieces


def _results(library: ImageLibrary, rows: Sequence[Any]) -> tuple[list[Result], list[ContentId]]:
    """Returns the pictures that are in the library, with the figures of the answer, and the IDs of the others."""
    ids = selected_ids([validation.mapping(row).get("id") for row in rows])
    by_id = {validation.text(validation.mapping(row).get("id")): validation.mapping(row) for row in rows}
    records = library.pictures.records(ids)
    if not records:
        raise none_found(ids)
    there = {record.content_id for record in records}
    results = []
    for record in records:
        row = by_id[record.content_id]
        shown = replace(record, source=without_folder(record.source))
        results.append(Result(shown, _rank(row.get("rank")), _score(row.get("score")), _words(row.get("relevance"))))
    return results, [id for id in ids if id not in there]


def _rank(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9 else None


def _score(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) and abs(value) <= 1.01 else None


def _words(value: Any) -> Words | None:
    return next((words for words in get_args(Words) if words == value), None)


def _kind(value: str) -> ExportFormat:
    for kind in EXPORT_FORMATS:
        if kind == value:
            return kind
    raise UnknownPicture("no_such_export", kinds=", ".join(EXPORT_FORMATS))


def _name(results: Sequence[Result], kind: ExportFormat) -> str:
    what = "results" if any(result.rank for result in results) else "pictures"
    return f"likeness-{len(results)}-{what if len(results) > 1 else what[:-1]}.{kind}"


def _rows(body: bytes) -> list[Any]:
    """Returns the field `rows` of the form. Raises InvalidSelection."""
    try:
        rows = json.loads(parse_qs(body.decode(), max_num_fields=8)["rows"][0])
    except (ValueError, KeyError, RecursionError):
        raise InvalidSelection("selection_unreadable") from None
    return rows if isinstance(rows, list) else []


async def _body(request: Request) -> bytes:
    """Returns the body of a request. Raises InvalidSelection for one that is too long."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY:
            raise InvalidSelection("selection_too_long")
    return bytes(body)
