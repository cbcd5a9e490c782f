"""Closes everything to strangers but what the login page itself needs."""

import base64
import binascii
import hashlib
import hmac
import math
import re
import secrets
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from library.errors import NotAllowed
from ui.attempts import Attempts
from ui.health import PATH as HEALTH
from ui.sentences import sentence_for

# Gradio asks for its own startup events while it launches; the answer is a bare true or false.
OPEN_TO_READ = re.compile(
    r"/|/(assets|static)/.+|/theme\.css|/favicon\.ico|/manifest\.json|/pwa_icon|/logout"
    rf"|{HEALTH}|/gradio_api/startup-events"
)
OPEN = {"GET": OPEN_TO_READ, "HEAD": OPEN_TO_READ, "POST": re.compile("/login/?")}


class Accounts:
    """Checks users and passwords, of which it keeps digests only."""

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._digests = [_digest(user, password) for user, password in passwords.items()]

    def accept(self, user: str, password: str) -> bool:
        """Returns whether user and password match; takes as long for an unknown user as for a wrong password."""
        given = _digest(user, password)
        return sum(hmac.compare_digest(each, given) for each in self._digests) > 0


class SignIn:
    """Lets requests with Gradio's session cookie or Basic credentials pass; Gradio itself guards only some routes."""

    def __init__(self, app: ASGIApp, accounts: Accounts) -> None:
        self._app = app
        self._accounts = accounts
        self._attempts = Attempts()
        self._tokens: dict[str, str] = {}  # a session for each user of Basic credentials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif _tries(scope) and (seconds := self._attempts.wait(address_of(scope))):
            await _wait(seconds, scope)(scope, receive, send)
        elif user := self._basic_user(scope):
            await self._app(self._in_session(scope, user), receive, send)
        elif _is_login(scope):
            await self._app(_with_cookie(scope, None), receive, self._noting(scope, send))
        elif _has_session(scope):
            await self._app(scope, receive, send)
        elif _is_open(scope):
            await self._app(_with_cookie(scope, None), receive, send)
        elif scope["type"] == "http":
            await _refusal(scope)(scope, receive, send)
        else:
            await send(
                {"type": "websocket.close", "code": 1008, "reason": sentence_for(NotAllowed("sign_in_first"), scope)}
            )

    def _basic_user(self, scope: Scope) -> str | None:
        scheme, _, encoded = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        if not self._accounts.accept(user, password):
            self._attempts.failed(address_of(scope))
            return None
        self._attempts.succeeded(address_of(scope))
        return user

    def _noting(self, scope: Scope, send: Send) -> Send:
        """Counts what Gradio answers to the login page."""

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                note = self._attempts.succeeded if message["status"] < 400 else self._attempts.failed
                note(address_of(scope))
            await send(message)

        return noted

    def _in_session(self, scope: Scope, user: str) -> Scope:
        """Returns the request as one of the user's session, since Gradio knows sessions only."""
        app: Any = scope["app"]
        token = self._tokens.setdefault(user, secrets.token_urlsafe(32))
        app.tokens[token] = user
        return _with_cookie(scope, f"{_cookies(app)[1]}={token}")


def _digest(user: str, password: str) -> bytes:
    return hashlib.sha256(f"{user}:{password}".encode("utf-8", "surrogatepass")).digest()


def _cookies(app: Any) -> tuple[str, str]:
    return f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}"


def _has_session(scope: Scope) -> bool:
    app: Any = scope["app"]
    sent = HTTPConnection(scope).cookies
    secure, plain = _cookies(app)
    return app.tokens.get(sent.get(secure) or sent.get(plain)) is not None


def _tries(scope: Scope) -> bool:
    """Tells whether a request brings a password."""
    return _is_login(scope) or Headers(scope=scope).get("authorization", "").lower().startswith("basic ")


def _is_login(scope: Scope) -> bool:
    return scope.get("method") == "POST" and route_of(scope).rstrip("/") == "/login"


def address_of(scope: Scope) -> str:
    """Returns where a request comes from; behind a proxy that uvicorn trusts, where it came from before."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _wait(seconds: float, scope: Scope) -> Response:
    detail = sentence_for(NotAllowed("too_many_attempts", seconds=math.ceil(seconds)), scope)
    # Gradio's login page says that something was wrong for this code alone; its greeting tells of the wait.
    code = 400 if _is_login(scope) and _is_browser(scope) else 429
    return JSONResponse({"detail": detail}, code, headers={"Retry-After": str(math.ceil(seconds))})


def _is_open(scope: Scope) -> bool:
    pattern = OPEN.get(scope.get("method", ""))
    return pattern is not None and pattern.fullmatch(route_of(scope)) is not None


def route_of(scope: Scope) -> str:
    """Returns the decoded path as the router sees it, without GRADIO_ROOT_PATH where a proxy leaves that in."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return (path[len(root) :] or "/") if path == root or path.startswith(f"{root}/") else path


def _with_cookie(scope: Scope, cookie: str | None) -> Scope:
    kept = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
    return {**scope, "headers": [*kept, (b"cookie", cookie.encode())] if cookie else kept}


def _is_browser(scope: Scope) -> bool:
    return Headers(scope=scope).get("user-agent", "").startswith("Mozilla/")


def _refusal(scope: Scope) -> Response:
    headers = {"Cache-Control": "no-store"}
    # A browser would answer the challenge with a dialog of its own, on top of the login page.
    if not _is_browser(scope):
        headers["WWW-Authenticate"] = 'Basic realm="Likeness", charset="UTF-8"'
    return PlainTextResponse(sentence_for(NotAllowed("sign_in_first"), scope), 401, headers=headers)
