"""Puts a script at the very beginning of the page: what Gradio is given for the head runs after its own scripts."""

from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.routes import route_of

SCRIPT = Path(__file__).parent / "assets" / "early.js"
HEAD = b"<head>"


class EarlyScript:
    """Adds the script to the page's HTML; where Gradio renders on the server, the page does not come by here."""

    def __init__(self, app: ASGIApp, script: Path = SCRIPT) -> None:
        self._app = app
        self._element = b"<script>" + script.read_bytes() + b"</script>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_page = scope["type"] == "http" and scope["method"] == "GET" and route_of(scope) == "/"
        await self._app(scope, receive, self._adding(send) if is_page else send)

    def _adding(self, send: Send) -> Send:
        """Returns a `send` that holds the headers back until the length of the first piece is known."""
        held: list[Message] = []

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                held.append(message)
                return
            if held:
                body = message.get("body", b"")
                longer = body.replace(HEAD, HEAD + self._element, 1)
                await send(_lengthened(held.pop(), len(longer) - len(body)))
                message = {**message, "body": longer}
            await send(message)

        return sent


def _lengthened(start: Message, added: int) -> Message:
    headers = MutableHeaders(raw=list(start["headers"]))
    if added and "content-length" in headers:
        headers["content-length"] = str(int(headers["content-length"]) + added)
    return {**start, "headers": headers.raw}
