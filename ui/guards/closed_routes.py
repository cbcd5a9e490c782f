"""Closes the routes of Gradio that nothing here uses, which develop a page, watch it or keep its state on disk."""

import re

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.routes import route_of

CLOSED = re.compile(
    r"/(monitoring(/.*)?|openapi\.json"
    r"|gradio_api/(dev/reload|deep_link|process_recording|proxy=.*|((undo-)?vibe-|component_server|custom_component).*))/?",
    re.DOTALL,
)
STREAM = "/gradio_api/mcp/sse"  # whose stream Gradio sends after the answer to HEAD, too
NOT_FOUND = 404


class ClosedRoutes:
    """Answers for the closed routes as for those that are none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_closed = scope["type"] == "http" and _is_closed(scope["method"], route_of(scope))
        answer = JSONResponse({"detail": "Not Found"}, NOT_FOUND) if is_closed else self._app
        await answer(scope, receive, send)


def _is_closed(method: str, route: str) -> bool:
    return CLOSED.fullmatch(route) is not None or (method == "HEAD" and route == STREAM)
