"""Tells browsers, with every answer, what the page may load and who may show it in a frame."""

from collections.abc import Collection

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Gradio writes scripts and styles into the page, and makes functions of texts.
CONTENT_POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}


class SecurityHeaders:
    """Sets the headers on every answer that does not set them itself, refusals and errors included."""

    def __init__(self, app: ASGIApp, framed_by: Collection[str] = ()) -> None:
        """Takes the origins whose pages may show this one in a frame."""
        self._app = app
        self._headers = _headers(framed_by)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, sent)


def _headers(framed_by: Collection[str]) -> dict[str, str]:
    policy = CONTENT_POLICY | {"frame-ancestors": " ".join(["'self'", *framed_by])}
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return headers if framed_by else headers | {"X-Frame-Options": "SAMEORIGIN"}
