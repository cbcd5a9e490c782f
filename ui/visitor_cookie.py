"""Tells visitors apart by a cookie of their browser that holds nothing but a random number."""

import re
import secrets
from http.cookies import CookieError, SimpleCookie
from typing import Any

import gradio as gr
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.routes import route_of

COOKIE = "likeness-visitor"
NUMBER = re.compile(r"[\w-]{43}", flags=re.ASCII)  # 32 random bytes
OWN_SITE = "Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000"
IN_A_FRAME = "Path=/; HttpOnly; SameSite=None; Secure; Partitioned; Max-Age=31536000"  # as the hub shows a Space


SCRIPT = "gradio_api/visitor.js"  # the page itself does not reach Python where Gradio renders on the server
FIRST = ("/", f"/{SCRIPT}")


def visitor_script() -> str:
    """Returns the element for the head of the page that loads the script with the cookie, before any other script."""
    return f'<script src="{SCRIPT}"></script>'


def visitor_routes() -> list[Route]:
    """Returns the route of that script, which is empty: it brings the cookie."""

    def script(request: Request) -> Response:
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return Response("", media_type="text/javascript", headers=headers)

    return [Route(f"/{SCRIPT}", script, methods=["GET"])]


class Visitors:
    """Gives each browser that opens the page a cookie."""

    def __init__(self, app: ASGIApp, in_a_frame: bool = False) -> None:
        self._app = app
        self._rules = IN_A_FRAME if in_a_frame else OWN_SITE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and route_of(scope) in FIRST and not secret_in(HTTPConnection(scope).cookies):
            send = self._giving(send)
        await self._app(scope, receive, send)

    def _giving(self, send: Send) -> Send:
        async def given(message: Message) -> None:
            if message["type"] == "http.response.start":
                cookie = f"{COOKIE}={secrets.token_urlsafe(32)}; {self._rules}"
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        return given


def visitor_of(request: gr.Request) -> str:
    """Returns the ID of a visitor, made of the cookie or, for a program without one, of its session of Gradio."""
    return secret_of(request) or request.session_hash or ""


def secret_of(request: Any) -> str:
    """Returns the number in the cookie of a request, of Gradio or of what lies below it; empty where there is none."""
    cookies = SimpleCookie()
    try:
        cookies.load(dict(request.headers).get("cookie", "") if request else "")
    except CookieError:
        cookies.clear()
    return secret_in({name: morsel.value for name, morsel in cookies.items()})


def secret_in(cookies: dict[str, str]) -> str:
    """Returns the number in the cookies; empty where there is none."""
    value = cookies.get(COOKIE, "")
    return value if NUMBER.fullmatch(value) else ""
