"""Bounds what a request may bring, and what one address may upload within an hour."""

import asyncio
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from python_multipart.exceptions import MultipartParseError
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from library.errors import LikenessError, NotAllowed, StoreUnavailable
from library.permissions import Edits
from ui.guards.client_address import address_of
from ui.guards.json_limits import MCP
from ui.guards.single_upload import SingleUpload
from ui.routes import route_of
from ui.sentences import sentence_for
from ui.uploaded_files import MAX_FILE_MEGABYTES

MEGABYTE = 1 << 20
AGENTS_BODY = 4 * MEGABYTE  # a picture to search with, in base64; mcp itself takes no more
CALL_BODY, STRANGERS_BODY = 16 * MEGABYTE, 2 * MEGABYTE  # of 20,000 files that were uploaded, and of 2,000
ALL_BODIES = 128 * MEGABYTE  # that are received or wait at once
SMALL_BODY = 1 << 16  # bytes, which are not counted: whatever else goes on, a search arrives
LONGEST_BODY = 120.0  # seconds for what is no upload
UPLOAD = 1024 * MEGABYTE
ONE_PICTURE = (MAX_FILE_MEGABYTES + 1) * MEGABYTE  # to search with, and what surrounds it
UPLOADS_AN_HOUR = 4096 * MEGABYTE
PICTURES_AN_HOUR = 1024 * MEGABYTE  # to search with, where nothing can be added
HOUR = 3600.0
FREE_SPACE = 256 * MEGABYTE
KEPT_ADDRESSES = 10_000
ROUTE = "/gradio_api/upload"
TIMED_OUT, TOO_LARGE, TOO_MANY, UNAVAILABLE, INSUFFICIENT_STORAGE = 408, 413, 429, 503, 507
RETRY_AFTER = 5  # seconds


class UploadQuota:
    """Counts the bytes that each address has sent within the current hour."""

    def __init__(self, most: int = UPLOADS_AN_HOUR, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._sent: OrderedDict[str, tuple[float, int]] = OrderedDict()  # since when, and how many
        self._counting = threading.Lock()

    def wait(self, address: str) -> float:
        """Returns how many seconds an address has to wait until it may send more."""
        since, sent = self._sent.get(address, (0.0, 0))
        return max(0.0, since + HOUR - self._clock()) if sent >= self.most else 0.0

    def spend(self, address: str, count: int) -> None:
        with self._counting:
            now = self._clock()
            since, sent = self._sent.pop(address, (now, 0))
            self._sent[address] = (now, count) if now - since > HOUR else (since, sent + count)
            if len(self._sent) > KEPT_ADDRESSES:
                self._sent.popitem(last=False)


class Body:
    """Counts the bytes of one request that is no upload, among those of all."""

    def __init__(self, bodies: "Bodies") -> None:
        self._bodies = bodies
        self._held = 0
        self._ends_at = time.monotonic() + LONGEST_BODY
        self._is_whole = False

    async def receive(self, receive: Receive) -> Message:
        """Receives the next part. Raises _Refused where there is no room for it, or it takes too long."""
        if self._is_whole:
            return await receive()  # which waits for the end of the connection
        try:
            async with asyncio.timeout(self._ends_at - time.monotonic()):
                message = await receive()
        except TimeoutError:
            raise _Refused(NotAllowed("body_too_slow", seconds=int(LONGEST_BODY)), TIMED_OUT) from None
        self._is_whole = not message.get("more_body")
        self._held += len(message.get("body", b""))
        if self._held > SMALL_BODY:
            self._bodies.hold(self, self._held)
        return message


class Bodies:
    """Knows how many bytes the large bodies take that are being received, or whose calls are under way."""

    def __init__(self, most: int = ALL_BODIES) -> None:
        self._most = most
        self._held: dict[Body, int] = {}

    def hold(self, body: Body, count: int) -> None:
        """Counts the bytes of a body. Raises _Refused beyond the bound."""
        self._held[body] = count
        if sum(self._held.values()) > self._most:
            full = NotAllowed("bodies_full", seconds=RETRY_AFTER)
            raise _Refused(full, UNAVAILABLE, {"Retry-After": str(RETRY_AFTER)})

    def let_go(self, body: Body) -> None:
        self._held.pop(body, None)


class RequestLimits:
    """Refuses bodies that are too large before they fill the memory or the disk."""

    def __init__(self, app: ASGIApp, edits: Edits, folder: Path, quota: UploadQuota | None = None) -> None:
        """Takes the `folder` in which uploads wait. Visitors who may change everything have no quota."""
        self._app = app
        self._is_to_search = edits == "none"
        self._most_uploaded = ONE_PICTURE if self._is_to_search else UPLOAD
        self._most_called = CALL_BODY if edits == "all" else STRANGERS_BODY
        self._bodies = Bodies()
        self._folder = folder
        quota = quota or UploadQuota(PICTURES_AN_HOUR if self._is_to_search else UPLOADS_AN_HOUR)
        self._quota = None if edits == "all" else quota

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        route, body = route_of(scope), Body(self._bodies)
        is_upload = route.rstrip("/") == ROUTE
        try:
            if is_upload:
                self._check_room(scope)
            else:
                receive = partial(body.receive, receive)
            await self._unless_refused(scope, self._counted(scope, receive, is_upload), send)
        except _Refused as refused:
            answer = PlainTextResponse(sentence_for(refused.why, scope), refused.code, headers=refused.headers)
            await answer(scope, receive, send)
        finally:
            self._bodies.let_go(body)

    async def _unless_refused(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets the app answer. Raises _Refused also where the app has caught it while it read the body."""
        refused: list[_Refused] = []

        async def received() -> Message:
            try:
                return await receive()
            except _Refused as error:
                refused.append(error)
                raise

        async def answered(message: Message) -> None:
            if not refused:
                await send(message)

        await self._app(scope, received, answered)
        if refused:
            raise refused[0]

    def _check_room(self, scope: Scope) -> None:
        if self._quota and (seconds := self._quota.wait(address_of(scope))):
            minutes = int(seconds // 60) + 1
            why = NotAllowed("uploads_used_up", gigabytes=self._quota.most >> 30, minutes=minutes)
            raise _Refused(why, TOO_MANY, {"Retry-After": str(int(seconds) + 1)})
        existing = next(each for each in (self._folder, *self._folder.parents) if each.exists())
        if shutil.disk_usage(existing).free < FREE_SPACE:
            raise _Refused(StoreUnavailable("upload_disk_full"), INSUFFICIENT_STORAGE)

    def _counted(self, scope: Scope, receive: Receive, is_upload: bool) -> Receive:
        of_agents = route_of(scope).startswith(MCP)
        most = self._most_uploaded if is_upload else AGENTS_BODY if of_agents else self._most_called
        told = Headers(scope=scope).get("content-length", "")
        if told.isdecimal() and int(told) > most:
            raise _too_large(most)
        received = 0
        look_at = SingleUpload(scope).look_at if is_upload and self._is_to_search else None

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            count = len(message.get("body", b""))
            received += count
            if is_upload and self._quota:
                self._quota.spend(address_of(scope), count)
            if received > most:
                raise _too_large(most)
            if look_at:
                try:
                    look_at(message.get("body", b""))
                except LikenessError as error:
                    raise _Refused(error, TOO_LARGE) from None
            return message

        return counted


class _Refused(MultipartParseError):
    """Ends the reading of a body with a refusal: of an error of this kind, Gradio removes what has arrived."""

    def __init__(self, why: LikenessError, code: int, headers: dict[str, str] | None = None) -> None:
        super().__init__(str(why))
        self.why = why
        self.code = code
        self.headers = headers


def _too_large(most: int) -> _Refused:
    return _Refused(NotAllowed("request_too_large", megabytes=most // MEGABYTE), TOO_LARGE)
