"""Closes the routes of Gradio that nothing here uses, which develop a page, watch it or keep its state on disk."""

import re

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.routes import route_of

CLOSED = re.compile(
    r"/(monitoring(/.*)?|openapi\.json"
    r"|gradio_api/(dev/reload|deep_link|process_recording|((undo-)?vibe-|component_server|custom_component).*))/?",
    re.DOTALL,
)
NOT_FOUND = 404


class ClosedRoutes:
    """Answers for the closed routes as for those that are none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_closed = scope["type"] == "http" and CLOSED.fullmatch(route_of(scope))
        answer = JSONResponse({"detail": "Not Found"}, NOT_FOUND) if is_closed else self._app
        await answer(scope, receive, send)
