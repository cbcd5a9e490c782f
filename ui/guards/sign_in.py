"""Refuses every request of strangers, but for those that the login page itself needs."""

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
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from library.errors import NotAllowed
from ui.guards.client_address import address_of
from ui.guards.request_body import TooLarge, read_body, replayed
from ui.guards.sign_in_delay import SignInDelay
from ui.health import PATH as HEALTH
from ui.routes import route_of
from ui.sentences import sentence_for

WRONG, TOO_MANY = 400, 429
LOGIN_BODY, FIELDS = 64 << 10, 20

# Gradio asks for its own startup events while it launches; the answer is a bare true or false.
OPEN_TO_READ = re.compile(
    r"/|/(assets|static)/.+|/theme\.css|/favicon\.ico|/manifest\.json|/pwa_icon|/logout"
    rf"|{HEALTH}|/gradio_api/startup-events"
)
OPEN = {"GET": OPEN_TO_READ, "HEAD": OPEN_TO_READ, "POST": re.compile("/login/?")}


class Accounts:
    """Checks users and passwords, of which it keeps digests only."""

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self.users = frozenset(passwords)
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
        self._attempts = SignInDelay(accounts.users)
        self._tokens: dict[str, str] = {}  # a session for each user of Basic credentials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif _is_login(scope):
            await self._sign_in(scope, receive, send)
        elif (given := _basic(scope)) and (seconds := self._attempts.wait(address_of(scope), given[0])):
            await _wait(seconds, scope)(scope, receive, send)
        elif given and self._accepts(scope, *given):
            await self._app(self._in_session(scope, given[0]), receive, send)
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

    async def _sign_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the login page with what is wrong; Gradio begins the session of whom there is no wait for."""
        try:
            body = await read_body(receive, LOGIN_BODY)
        except TooLarge:
            body = b""
        if body is None:
            return  # the client has gone
        name, password = await _form(scope, replayed(body, receive))
        # Nothing is awaited from here until it is counted: attempts that come at once would all be free.
        if seconds := self._attempts.wait(address_of(scope), name):
            await _wait(seconds, scope)(scope, receive, send)
        elif self._accepts(scope, name, password):
            await self._app(_with_cookie(scope, None), replayed(body, receive), send)
        else:
            await _told(NotAllowed("wrong_credentials"), scope, WRONG)(scope, receive, send)

    def _accepts(self, scope: Scope, name: str, password: str) -> bool:
        """Returns whether the credentials are right, and counts a failure."""
        is_right = self._accounts.accept(name, password)
        (self._attempts.succeeded if is_right else self._attempts.failed)(address_of(scope), name)
        return is_right

    def _in_session(self, scope: Scope, user: str) -> Scope:
        """Returns the request as one of the user's session, since Gradio knows sessions only."""
        app: Any = scope["app"]
        token = self._tokens.setdefault(user, secrets.token_urlsafe(32))
        app.tokens[token] = user
        return _with_cookie(scope, f"{_cookies(app)[1]}={token}")


def _basic(scope: Scope) -> tuple[str, str] | None:
    """Returns the user and the password of Basic credentials; None where there are none that can be read."""
    scheme, _, encoded = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return user, password


async def _form(scope: Scope, receive: Receive) -> tuple[str, str]:
    """Returns the user and the password of a form, empty where they are not there."""
    try:
        async with Request(scope, receive).form(max_files=0, max_fields=FIELDS) as form:
            name, password = form.get("username"), form.get("password")
    except (HTTPException, MultiPartException, ValueError):
        return "", ""
    return name.strip() if isinstance(name, str) else "", password if isinstance(password, str) else ""


def _digest(user: str, password: str) -> bytes:
    return hashlib.sha256(f"{user}\0{password}".encode("utf-8", "surrogatepass")).digest()


def _cookies(app: Any) -> tuple[str, str]:
    return f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}"


def _has_session(scope: Scope) -> bool:
    app: Any = scope["app"]
    sent = HTTPConnection(scope).cookies
    secure, plain = _cookies(app)
    return app.tokens.get(sent.get(secure) or sent.get(plain)) is not None


def _is_login(scope: Scope) -> bool:
    return scope.get("method") == "POST" and route_of(scope).rstrip("/") == "/login"


def _wait(seconds: float, scope: Scope) -> Response:
    rounded = math.ceil(seconds)
    # Gradio's login page says that something was wrong for this code alone.
    code = WRONG if _is_login(scope) and _is_browser(scope) else TOO_MANY
    return _told(NotAllowed("too_many_attempts", seconds=rounded), scope, code, {"Retry-After": str(rounded)})


def _told(error: NotAllowed, scope: Scope, code: int, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"detail": sentence_for(error, scope)}, code, headers)


def _is_open(scope: Scope) -> bool:
    pattern = OPEN.get(scope.get("method", ""))
    return pattern is not None and pattern.fullmatch(route_of(scope)) is not None


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
