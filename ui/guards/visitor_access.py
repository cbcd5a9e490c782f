"""Limits each visitor of the demo to the shared pictures and to their own."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from library.errors import NotAllowed
from library.visitors.spaces import Spaces
from ui.guards.client_address import address_of, address_of_call
from ui.guards.ownership import Ownership
from ui.guards.request_body import read_body, replayed
from ui.routes import route_of
from ui.sentences import sentence_for
from ui.visitor_cookie import SCRIPT, secret_in, secret_of

API = "/gradio_api"
# What is the same for everybody.
OPEN = re.compile(
    r"/|/(assets|static|svelte)/.*|/(theme\.css|favicon\.ico|manifest\.json|robots\.txt|config|login|logout)/?"
    rf"|/pwa_icon(/.*)?|{API}/(theme\.css|health|info|openapi\.json|startup-events|user|login_check|token|app_id)/?"
    rf"|{API}/scripts/.*|/{SCRIPT}|({API})?/metrics"
)
# What answers from the library of whoever asks, which `Spaces` knows.
VISITED = re.compile(rf"{API}/(media/.*|taking/.*|mcp(/.*)?)")
FILE = re.compile(rf"{API}/file[=/](?P<path>.*)", re.DOTALL)
UPLOAD = re.compile(rf"{API}/upload/?")
CALL = re.compile(rf"{API}/(queue/join|call/[^/]+|call/v2/[^/]+|run/[^/]+|api/[^/]+|cancel|reset)/?")
RESULT = re.compile(rf"{API}/call/(v2/)?[^/]+/(?P<event>[^/]+)")
SESSION = re.compile(rf"{API}/heartbeat/(?P<session>[^/]+)")
QUERIES = re.compile(rf"{API}/(queue/data|upload_progress)/?")


def answer_by_visitor(page: gr.Blocks, spaces: Spaces) -> None:
    """Makes every function of the page, the API and the tools run for the visitor whose request it is."""
    process: Any = page.process_api

    async def visited(*given: Any, request: Any = None, **options: Any) -> dict[str, Any]:
        with spaces.visited_by(secret_of(request), address_of_call(request)):
            answer: dict[str, Any] = await process(*given, request=request, **options)
            return answer

    page.__dict__["process_api"] = visited


class VisitorAccess:
    """Answers each request for its visitor, and refuses every route that is not listed above, new ones too."""

    def __init__(self, app: ASGIApp, spaces: Spaces, ownership: Ownership, uploads: Path) -> None:
        self._app = app
        self._spaces = spaces
        self._ownership = ownership
        self._uploads = uploads.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._spaces.visited_by(secret_in(HTTPConnection(scope).cookies), address_of(scope)):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = route_of(scope)
        if CALL.fullmatch(route) and scope["method"] == "POST":
            body = await read_body(receive) or b""
            if self._has_all(_names(body)):
                await self._app(scope, replayed(body, receive), _held(send, self._note_event))
                return
        elif UPLOAD.fullmatch(route) and not self._spaces.visitor:
            refusal = PlainTextResponse(sentence_for(NotAllowed("no_visitor"), scope), 403)
            await refusal(scope, receive, send)
            return
        elif UPLOAD.fullmatch(route) and self._claims_query(scope):
            await self._app(scope, receive, _held(send, self._note_files))
            return
        elif self._may(route, scope):
            await self._app(scope, receive, send)
            return
        refusal = PlainTextResponse(sentence_for(NotAllowed("not_yours"), scope), 404)
        await refusal(scope, receive, send)

    def _may(self, route: str, scope: Scope) -> bool:
        if OPEN.fullmatch(route) or VISITED.fullmatch(route):
            return True
        if found := FILE.fullmatch(route):
            return self._may_read(found["path"])
        if found := RESULT.fullmatch(route):
            return self._ownership.has(found["event"], self._spaces.visitor)
        if found := SESSION.fullmatch(route):
            return self._ownership.claim(found["session"], self._spaces.visitor)
        return bool(QUERIES.fullmatch(route)) and self._claims_query(scope)

    def _may_read(self, path: str) -> bool:
        """Tells whether somebody who is known asks for a file that they have uploaded."""
        try:
            resolved = Path(path).resolve()
        except (OSError, ValueError, RuntimeError):
            return False
        visitor = self._spaces.visitor
        return bool(visitor) and resolved.is_relative_to(self._uploads) and self._ownership.has_file(resolved, visitor)

    def _claims_query(self, scope: Scope) -> bool:
        params = HTTPConnection(scope).query_params
        names = [value for name, value in params.multi_items() if name in ("session_hash", "upload_id")]
        return all(self._ownership.claim(name, self._spaces.visitor) for name in names)

    def _has_all(self, names: dict[str, str]) -> bool:
        visitor = self._spaces.visitor
        event, session = names.get("event_id"), names.get("session_hash")
        has_event = not event or self._ownership.has(event, visitor)
        return has_event and (session is None or self._ownership.claim(session, visitor))

    def _note_event(self, answer: Any) -> None:
        if isinstance(answer, dict) and isinstance(answer.get("event_id"), str):
            self._ownership.claim(answer["event_id"], self._spaces.visitor)

    def _note_files(self, answer: Any) -> None:
        for path in answer if isinstance(answer, list) else []:
            self._ownership.note_file(str(path), self._spaces.visitor)


def _names(body: bytes) -> dict[str, str]:
    """Returns the session and the event that a call names; of what is no JSON, Gradio says so."""
    try:
        given = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    found = given if isinstance(given, dict) else {}
    return {name: value for name in ("session_hash", "event_id") if isinstance(value := found.get(name), str)}


def _held(send: Send, note: Callable[[Any], None]) -> Send:
    """Returns a `send` that keeps an answer back until it was noted whose it is."""
    kept: list[Message] = []

    async def sent(message: Message) -> None:
        kept.append(message)
        if message["type"] == "http.response.start" or message.get("more_body"):
            return
        note(_parsed(b"".join(each.get("body", b"") for each in kept)))
        for each in kept:
            await send(each)
        kept.clear()

    return sent


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
