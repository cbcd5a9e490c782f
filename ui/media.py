"""Serves thumbnails, previews and originals by content ID."""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from pathlib import PurePath
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from library.errors import (
    InvalidContentId,
    InvalidSelection,
    LikenessError,
    OriginalAway,
    RejectedImage,
    StoreUnavailable,
    UnknownPicture,
)
from library.image_library import ImageLibrary
from library.images import ContentId, parse_content_id
from library.records import Record
from library.running.single_flight import SingleFlight
from ui.sentences import in_language

PREFIX = "/gradio_api/media"  # other paths do not reach Python where Gradio renders on the server
KEPT_PREVIEWS = 48
PREVIEWS_AT_ONCE = 2  # a preview decodes the whole original: memory, not time, is what runs out
PREVIEW_THREADS, THREADS = 8, 16  # whoever waits for one of them holds none
STATUS_CODES = (
    (InvalidContentId, 404),
    (UnknownPicture, 404),
    (OriginalAway, 410),
    (StoreUnavailable, 503),
    (RejectedImage, 415),
    (InvalidSelection, 422),
)

# A content ID names the same bytes for ever, so a browser never has to ask again.
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def media_routes(library: ImageLibrary) -> list[Route]:
    """Returns the routes; they have threads of their own, so that a slow store holds nobody else up."""
    previews = Previews(library)
    preview_threads, threads = CapacityLimiter(PREVIEW_THREADS), CapacityLimiter(THREADS)

    async def media(request: Request) -> Response:
        size = request.path_params["size"]
        try:
            id = parse_content_id(request.path_params["id"])
            answer = partial(_response, library, previews, size, id)
            return await to_thread.run_sync(answer, limiter=preview_threads if size == "preview" else threads)
        except LikenessError as error:
            return refusal(error, request)

    return [Route(f"{PREFIX}/{{size}}/{{id}}", media, methods=["GET"])]


class Previews:
    """Makes previews on demand, one of a picture at a time, and keeps the last few in memory."""

    def __init__(self, library: ImageLibrary) -> None:
        self._library = library
        self._kept: OrderedDict[ContentId, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(PREVIEWS_AT_ONCE)
        self._under_way: SingleFlight[ContentId, bytes] = SingleFlight()

    def get(self, id: ContentId) -> bytes:
        """Returns a preview; who asks for one that is being made waits for that."""
        return self._found(id) or self._under_way.get(id, lambda: self._made(id))

    def _found(self, id: ContentId) -> bytes | None:
        with self._lock:
            if id in self._kept:
                self._kept.move_to_end(id)
            return self._kept.get(id)

    def _made(self, id: ContentId) -> bytes:
        if found := self._found(id):  # made since it was asked for
            return found
        with self._turns:
            data = self._library.pictures.preview(id)
        with self._lock:
            self._kept[id] = data
            while len(self._kept) > KEPT_PREVIEWS:
                self._kept.popitem(last=False)
        return data


def _response(library: ImageLibrary, previews: Previews, size: str, id: ContentId) -> Response:
    match size:
        case "thumb":
            started = time.monotonic()
            data = library.thumbnail(id)
            library.monitor.took("thumbnail", time.monotonic() - started)
            return Response(data, media_type="image/jpeg", headers={**FOREVER, **SAFE})
        case "preview":
            library.record(id)  # a deleted picture may still be among the previews
            return Response(previews.get(id), media_type="image/jpeg", headers={**FOREVER, **SAFE})
        case "original":
            record = library.record(id)
            headers = {
                "Content-Disposition": attachment(record),
                "Cache-Control": "private, no-cache",
                **SAFE,
            }
            return Response(library.original(id), media_type="application/octet-stream", headers=headers)
        case _:
            raise UnknownPicture("no_such_size", size=size)


def refusal(error: LikenessError, request: Request, headers: Mapping[str, str] = SAFE) -> Response:
    """Says what went wrong, in the language that the request names as `lang`."""
    code = next((code for kind, code in STATUS_CODES if isinstance(error, kind)), 500)
    sentence = in_language(error, request.query_params.get("lang"))
    return PlainTextResponse(sentence, code, headers={**headers, "Cache-Control": "no-store"})


def attachment(record: Record) -> str:
    """Returns a Content-Disposition after RFC 6266: the name percent-encoded, and a plain one for older clients."""
    encoded = quote(record.name.encode("utf-8", "replace"), safe="")
    plain = f"{record.content_id[:16]}{PurePath(record.img_path).suffix}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
