"""Gives every HTTP request an ID: the answer carries it, and so does every line of the log that is written for it."""

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from library.monitor import Monitor
from library.work import working_for

HEADER = "x-request-id"
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}", flags=re.ASCII)
KEY = "likeness.request_id"
FAILURE = 400


class RequestIds:
    """Takes over the ID that a request brings, or makes one, and counts the answers that refuse."""

    def __init__(self, app: ASGIApp, monitor: Monitor) -> None:
        self._app = app
        self._monitor = monitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        scope[KEY] = id = given if WELL_FORMED.fullmatch(given) else uuid.uuid4().hex[:16]

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = id
                if message["status"] >= FAILURE:
                    self._monitor.failed("http", str(message["status"]))
            await send(message)

        with working_for(id):
            await self._app(scope, receive, sent)


def request_id(scope: Scope) -> str:
    """Returns the ID of a request."""
    return str(scope.get(KEY, ""))
