"""Refuses JSON that no reader of it takes: of too many values, nested without end, or not in UTF-8."""

import re

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from library.errors import InvalidQuery, LikenessError
from library.permissions import Edits
from ui.guards.body_turns import BodyTurns
from ui.guards.request_body import read_body, replayed
from ui.routes import route_of
from ui.sentences import sentence_for

MOST_VALUES, MOST_OF_STRANGERS = 200_000, 40_000  # what names the files of the largest upload, in full
TAKES_TIME = 1 << 16  # bytes, from which on bodies are handed on one after the other
LARGE = 1 << 18  # bytes, beyond which nobody else is to wait for the looking through
MAX_DEPTH = 100  # of what Python's readers of JSON bear, a tenth
MCP = "/gradio_api/mcp"
PARSE_ERROR = -32700  # of JSON-RPC
BAD_REQUEST = 400
MAX_DIGITS = 4_000
LONG_NUMBER = re.compile(rb"[0-9]{%d}" % (MAX_DIGITS + 1))
TEXT_OR_LONG_NUMBER = re.compile(rb'"(?:[^"\\]+|\\.)*(?:"|\\?\Z)|' + LONG_NUMBER.pattern, re.DOTALL)
# A text, which may lack its end so that no search for one begins anew.
TEXT = re.compile(rb'"(?:[^"\\]+|\\.)*(?:"|\\?\Z)', re.DOTALL)
OPENING, CLOSING = list(b"[{"), list(b"]}")


class JsonLimits:
    """Refuses with a sentence the requests that Gradio would fail over, and passes all others on."""

    def __init__(self, app: ASGIApp, edits: Edits) -> None:
        self._app = app
        self._turns = BodyTurns()
        self._most = MOST_VALUES if edits == "all" else MOST_OF_STRANGERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _brings_json(scope):
            body = await read_body(receive)
            if body is None:
                return  # the client has gone
            problem = _problem(body, scope, self._most)
            if problem is None and len(body) > LARGE:
                problem = await run_in_threadpool(_problem_within, body)
            elif problem is None:
                problem = _problem_within(body)
            if problem:
                await _refusal(problem, scope)(scope, receive, send)
                return
            receive = replayed(body, receive)
            if len(body) > TAKES_TIME:
                receive = self._turns.in_turn(receive, len(body))
        await self._app(scope, receive, send)


def count_values(body: bytes) -> int:
    """Returns how many values JSON has at most: commas in texts count, too, so that nothing has to be parsed."""
    return body.count(b",") + body.count(b"[") + body.count(b"{")


def _problem(body: bytes, scope: Scope, most: int) -> InvalidQuery | None:
    """Returns what is wrong at the first glance, in words that no reader of JSON has."""
    is_of_agents = route_of(scope).startswith(MCP)
    if count_values(body) > (most := MOST_OF_STRANGERS if is_of_agents else most):
        return InvalidQuery("body_too_many", most=most)
    if is_of_agents:  # Gradio's own routes say it themselves
        try:
            body.decode()
        except UnicodeDecodeError:
            return InvalidQuery("body_no_utf8")
    return None


def _problem_within(body: bytes) -> InvalidQuery | None:
    if is_nested_too_deep(body):
        return InvalidQuery("body_too_deep", most=MAX_DEPTH)
    if has_long_number(body):
        return InvalidQuery("body_number_too_long", most=MAX_DIGITS)
    return None


def has_long_number(body: bytes) -> bool:
    """Returns whether JSON has a whole number of more digits than Python reads, outside of texts."""
    if not LONG_NUMBER.search(body):
        return False
    return any(each[0][:1] != b'"' for each in TEXT_OR_LONG_NUMBER.finditer(body))


def is_nested_too_deep(body: bytes) -> bool:
    """Returns whether JSON is nested deeper than anything that is sent here."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    signs = np.frombuffer(TEXT.sub(b"", body), np.uint8)
    steps = np.isin(signs, OPENING).astype(np.int8) - np.isin(signs, CLOSING).astype(np.int8)
    return bool(np.cumsum(steps, dtype=np.int32).max(initial=0) > MAX_DEPTH)


def _brings_json(scope: Scope) -> bool:
    kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
    return scope["method"] in ("POST", "PUT", "PATCH") and (kind in ("", "text/plain") or kind.endswith("json"))


def _refusal(error: LikenessError, scope: Scope) -> Response:
    sentence = sentence_for(error, scope)
    if route_of(scope).startswith(MCP):
        problem = {"code": PARSE_ERROR, "message": sentence}
        return JSONResponse({"jsonrpc": "2.0", "id": None, "error": problem}, BAD_REQUEST)
    return JSONResponse({"detail": sentence}, BAD_REQUEST)
