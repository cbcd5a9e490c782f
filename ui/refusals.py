"""Answers what would fail in the frameworks below the app: bodies nested without end, and uploads onto a full disk."""

import re
from pathlib import Path
from traceback import walk_tb

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from library.disk import is_full
from library.errors import InvalidQuery, LikenessError, StoreUnavailable
from ui.bodies import again, whole
from ui.sentences import sentence_for
from ui.sign_in import route_of

MAX_DEPTH = 100  # of what Python's readers of JSON bear, a tenth
MCP = "/gradio_api/mcp"
PARSE_ERROR = -32700  # of JSON-RPC
BAD_REQUEST, INSUFFICIENT_STORAGE = 400, 507
MAX_DIGITS = 4_000
LONG_NUMBER = re.compile(rb"[0-9]{%d}" % (MAX_DIGITS + 1))
TEXT_OR_LONG_NUMBER = re.compile(rb'"(?:[^"\\]+|\\.)*(?:"|\\?\Z)|' + LONG_NUMBER.pattern, re.DOTALL)
# A text, which may lack its end so that no search for one begins anew, or a bracket.
TOKEN = re.compile(rb'"(?:[^"\\]+|\\.)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


class Refusals:
    """Refuses with a sentence the requests that Gradio would fail over, and passes all others on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _brings_json(scope):
            body = await whole(receive)
            if body is None:
                return  # the client has gone
            if problem := _problem(body, scope):
                await _refusal(problem, scope)(scope, receive, send)
                return
            receive = again(body, receive)
        await self._pass_on(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except OSError as error:
            if has_begun or not is_full(error):
                raise
            _remove_what_was_begun(error)
            refusal = StoreUnavailable("upload_disk_full")
            await PlainTextResponse(sentence_for(refusal, scope), INSUFFICIENT_STORAGE)(scope, receive, send)


def _problem(body: bytes, scope: Scope) -> InvalidQuery | None:
    """Returns why no reader of JSON takes what was sent, in words that they do not have."""
    if is_nested_too_deep(body):
        return InvalidQuery("body_too_deep", most=MAX_DEPTH)
    if has_long_number(body):
        return InvalidQuery("body_number_too_long", most=MAX_DIGITS)
    if route_of(scope).startswith(MCP):  # Gradio's own routes say it themselves
        try:
            body.decode()
        except UnicodeDecodeError:
            return InvalidQuery("body_no_utf8")
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
    depth = 0
    for token in TOKEN.finditer(body):
        depth += 1 if token[0] in (b"[", b"{") else -1 if token[0] in (b"]", b"}") else 0
        if depth > MAX_DEPTH:
            return True
    return False


def _remove_what_was_begun(error: OSError) -> None:
    """Removes the files of an upload that failed, which would keep the disk full: Gradio itself leaves them there."""
    for frame, _ in walk_tb(error.__traceback__):
        for file in getattr(frame.f_locals.get("self"), "_files_to_close_on_error", ()):
            file.close()
            Path(file.name).unlink(missing_ok=True)


def _brings_json(scope: Scope) -> bool:
    kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
    return scope["method"] in ("POST", "PUT", "PATCH") and (kind in ("", "text/plain") or kind.endswith("json"))


def _refusal(error: LikenessError, scope: Scope) -> Response:
    sentence = sentence_for(error, scope)
    if route_of(scope).startswith(MCP):
        problem = {"code": PARSE_ERROR, "message": sentence}
        return JSONResponse({"jsonrpc": "2.0", "id": None, "error": problem}, BAD_REQUEST)
    return JSONResponse({"detail": sentence}, BAD_REQUEST)
