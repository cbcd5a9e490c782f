"""Bounds how many requests for pictures, uploads, exports and calls of agents are under way at once."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from library.errors import NotAllowed
from ui.guards.json_limits import MCP
from ui.guards.request_limits import ROUTE as UPLOADS
from ui.handlers.exports import PREFIX as EXPORTS
from ui.media import PREFIX as MEDIA
from ui.routes import route_of
from ui.sentences import sentence_for

BOUNDED = (MEDIA, EXPORTS, UPLOADS, MCP)  # what Gradio queues has an end of its own: see ui/queueing.py
UNAVAILABLE = 503
SECONDS = 2  # a picture takes far less


class ConcurrencyLimit:
    """Refuses requests while as many as allowed are being answered."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_bounded(scope):
            await self._app(scope, receive, send)
        elif self._under_way >= self._most:
            full = NotAllowed("queue_full", count=self._under_way, seconds=SECONDS)
            headers = {"Retry-After": str(SECONDS), "Cache-Control": "no-store"}
            await PlainTextResponse(sentence_for(full, scope), UNAVAILABLE, headers)(scope, receive, send)
        else:
            self._under_way += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._under_way -= 1


def _is_bounded(scope: Scope) -> bool:
    """Tells whether a request is counted: a GET of agents waits for events without end, and is not."""
    if scope["type"] != "http":
        return False
    route = route_of(scope)
    return route.startswith(MEDIA) or (scope["method"] == "POST" and route.startswith(BOUNDED))
