"""Sends the page compressed and only where it has changed, and lets browsers keep what never changes."""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable
from gzip import compress as gzip

import brotli
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.routes import route_of

QUALITY = 5  # of Brotli: as quick as gzip, and smaller
KEPT = 16  # pages, which differ by language and by who has signed in
# Gradio's own files, whose names or addresses change with their content.
NEVER_CHANGES = re.compile(r"/assets/[^/]+-[\w-]{8}\d*\.(js|css|woff2?|svg|png)|/static/fonts/.+\.woff2")
FOREVER = "private, max-age=31536000, immutable"
ASK_AGAIN = "private, no-cache"

Compress = Callable[[bytes], bytes]
ENCODINGS: dict[str, Compress] = {"br": lambda body: brotli.compress(body, quality=QUALITY), "gzip": gzip}


class PageCache:
    """Answers for the page with an ETag of its content; where Gradio renders on the server, it does not come by here.

    Whoever may see the page was decided before: each answer is made anew, and only compared.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressed: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
        elif route_of(scope) == "/":
            await _Page(self, Headers(scope=scope), send).answer(self._app, scope, receive)
        elif NEVER_CHANGES.fullmatch(route_of(scope)) or (route_of(scope) == "/theme.css" and b"v=" in _query(scope)):
            await self._app(scope, receive, _kept_for_ever(send))
        else:
            await self._app(scope, receive, send)

    def compressed(self, tag: str, encoding: str, body: bytes) -> bytes:
        """Returns the body of that tag in the encoding, from the last few pages where it is one of them."""
        key = (tag, encoding)
        if key not in self._compressed:
            self._compressed[key] = ENCODINGS[encoding](body)
            while len(self._compressed) > KEPT:
                self._compressed.popitem(last=False)
        return self._compressed[key]


class _Page:
    """Holds one answer back until it is whole."""

    def __init__(self, cache: PageCache, asked: Headers, send: Send) -> None:
        self._cache, self._asked, self._send = cache, asked, send
        self._start: Message | None = None
        self._body = b""

    async def answer(self, app: ASGIApp, scope: Scope, receive: Receive) -> None:
        await app(scope, receive, self._hold)

    async def _hold(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        headers = MutableHeaders(raw=list(start["headers"]))
        tag = f'W/"{hashlib.sha256(self._body).hexdigest()[:32]}"'
        headers["etag"] = tag
        headers.setdefault("cache-control", ASK_AGAIN)
        headers.add_vary_header("Accept-Encoding")
        del headers["content-length"]
        if tag in self._asked.get("if-none-match", ""):
            del headers["content-type"]
            await self._say(304, headers, b"")
            return
        body = self._body
        accepted = self._asked.get("accept-encoding", "")
        if encoding := next((name for name in ENCODINGS if name in accepted), None):
            body = self._cache.compressed(tag, encoding, body)
            headers["content-encoding"] = encoding
        headers["content-length"] = str(len(body))
        await self._say(200, headers, body)

    async def _say(self, status: int, headers: MutableHeaders, body: bytes) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def _is_page(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    is_html = headers.get("content-type", "").startswith("text/html")
    return start["status"] == 200 and is_html and "content-encoding" not in headers


def _kept_for_ever(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            MutableHeaders(scope=message)["cache-control"] = FOREVER
        await send(message)

    return sent


def _query(scope: Scope) -> bytes:
    query: bytes = scope.get("query_string", b"")
    return query
