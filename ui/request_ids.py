"""Gives every HTTP request an ID: the answer carries it, and so does every line of the log that is written for it."""

import logging
import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from library.errors import LikenessError
from library.running.monitor import Monitor
from library.running.work import working_for
from ui.sentences import sentence_for

logger = logging.getLogger(__name__)

HEADER = "x-request-id"
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}", flags=re.ASCII)
KEY = "likeness.request_id"
REFUSED, FAILED = 400, 500  # the least codes of such answers


class RequestIds:
    """Takes over the ID that a request brings, or makes one, counts what is refused, and logs what fails."""

    def __init__(self, app: ASGIApp, monitor: Monitor) -> None:
        self._app = app
        self._monitor = monitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        scope[KEY] = id = given if WELL_FORMED.fullmatch(given) else uuid.uuid4().hex[:16]
        has_begun = False

        async def sent(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                MutableHeaders(scope=message)[HEADER] = id
                if message["status"] >= REFUSED:
                    self._monitor.failed("http", str(message["status"]))
            await send(message)

        with working_for(id):
            try:
                await self._app(scope, receive, sent)
            except Exception as error:
                logger.error("A request failed", exc_info=error)
                if has_begun:
                    raise  # which cuts the answer off
                await PlainTextResponse(sentence_for(LikenessError("unexpected"), scope), FAILED)(scope, receive, sent)


def request_id(scope: Scope) -> str:
    """Returns the ID of a request."""
    return str(scope.get(KEY, ""))
