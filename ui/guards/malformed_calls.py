"""Answers calls that Gradio's own routes cannot make sense of, which would end in a traceback, with a sentence."""

import json
import logging
import re
from typing import Any

import httpx
from gradio.route_utils import FnIndexInferError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from library.errors import UNEXPECTED, InvalidQuery
from ui.routes import route_of
from ui.sentences import sentence_for

logger = logging.getLogger(__name__)

API = "/gradio_api"
# What takes place there outside of a call, which ui/queueing.py guards, is reading the request.
ROUTES = re.compile(
    rf"{API}/((queue/join|queue/data|cancel|reset|component_server|login_check|vibe-edit|vibe-code|undo-vibe-edit)/?"
    r"|(call|run|api|stream|heartbeat)/.*)",
    re.DOTALL,
)
FILES = re.compile(
    rf"/(assets|static|svelte|pwa_icon|custom_component)/.*|{API}/(file[=/]|custom_component/).*", re.DOTALL
)
DIRECT = re.compile(rf"{API}/(run|api)/.*", re.DOTALL)
NAMED = re.compile(rf"{API}/(call/v2|call|run|api)/(?P<name>[^/]*)/?")
NOT_UNDERSTOOD = (
    *(AssertionError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError),
    *(FnIndexInferError, httpx.InvalidURL),
)
BAD_REQUEST, NOT_FOUND, INVALID, FAILED = 400, 404, 422, 500


class MalformedCalls:
    """Answers calls that cannot be understood with a status and a sentence, in place of an error of the app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = route_of(scope) if scope["type"] == "http" else ""
        if not (ROUTES.fullmatch(route) or FILES.fullmatch(route)):
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, DIRECT.fullmatch(route) is not None)
        try:
            await self._app(scope, receive, answer.send)
            if answer.invalid is not None:
                await _of_invalid(answer.invalid, scope)(scope, receive, send)
        except NOT_UNDERSTOOD as error:
            if answer.has_begun or (isinstance(error, OSError) and not FILES.fullmatch(route)):
                raise
            logger.warning("A call that cannot be understood was refused: %s", type(error).__name__)
            logger.debug("What could not be understood", exc_info=error)
            await _refusal(error, route, scope)(scope, receive, send)
        except RuntimeError as error:
            if not isinstance(error.__cause__, HTTPException):
                raise
            await answer.end()  # the stream has told that there is no such session


class _Answer:
    """Passes an answer on, with the status 400 in place of 500 for a call that was refused with a sentence.

    What the framework says of a request that it cannot validate is held back in `invalid`.
    """

    def __init__(self, send: Send, is_of_call: bool) -> None:
        self._send = send
        self._is_of_call = is_of_call
        self._held: Message | None = None
        self.has_begun = False
        self.invalid: bytes | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == INVALID:
            self.invalid = b""
            return
        if self.invalid is not None:
            self.invalid += message.get("body", b"")
            return
        self.has_begun = True
        if self._is_of_call and message["type"] == "http.response.start" and message["status"] == FAILED:
            self._held = message
            return
        if self._held:
            status = BAD_REQUEST if _is_refused(message.get("body", b"")) else FAILED
            await self._send({**self._held, "status": status})
            self._held = None
        await self._send(message)

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _is_refused(body: bytes) -> bool:
    try:
        told: Any = json.loads(body)
    except ValueError:
        return False
    return isinstance(told, dict) and bool(told.get("error")) and told["error"] != str(UNEXPECTED)


def _of_invalid(body: bytes, scope: Scope) -> JSONResponse:
    """Returns the answer to a request that is no JSON, or whose parts are not those of the route."""
    is_no_json = b'"json_invalid"' in body
    problem = InvalidQuery("body_no_json") if is_no_json else InvalidQuery("inputs_refused")
    return JSONResponse({"detail": sentence_for(problem, scope)}, BAD_REQUEST)


def _refusal(error: Exception, route: str, scope: Scope) -> JSONResponse:
    if FILES.fullmatch(route):
        return JSONResponse({"detail": sentence_for(InvalidQuery("nothing_here"), scope)}, NOT_FOUND)
    found = NAMED.fullmatch(route)
    no_such_key = error.args[0] if isinstance(error, KeyError) and error.args else None
    is_unknown = isinstance(no_such_key, int) or (found is not None and no_such_key == f"/{found['name']}")
    if is_unknown or isinstance(error, FnIndexInferError):
        return JSONResponse({"detail": sentence_for(InvalidQuery("no_such_call"), scope)}, NOT_FOUND)
    return JSONResponse({"detail": sentence_for(InvalidQuery("inputs_refused"), scope)}, BAD_REQUEST)
