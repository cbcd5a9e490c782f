"""Hides from Gradio a parameter of addresses that it takes for the name of another page."""

from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Receive, Scope, Send

from ui.routes import route_of

PARAMETER = "page"


class NoPageParameter:
    """Removes the parameter from an address of the page, for which Gradio would answer that the server has failed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and PARAMETER.encode() in scope["query_string"] and route_of(scope) == "/":
            pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            kept = [pair for pair in pairs if pair[0] != PARAMETER]
            scope = {**scope, "query_string": urlencode(kept).encode()}
        await self._app(scope, receive, send)
