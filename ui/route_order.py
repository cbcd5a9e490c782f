"""Has the app look first for what programs call: it compares an address with one route of Gradio after the other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gradio.routes import App

from ui.guards.origins import Lifespan

CALLS = ("/gradio_api/call/", "/gradio_api/run/")


def with_calls_first(lifespan: Lifespan) -> Lifespan:
    """Returns what an app lives in that orders its routes before the first request."""

    @asynccontextmanager
    async def lived(app: App) -> AsyncIterator[None]:
        put_calls_first(app)
        async with lifespan(app):
            yield

    return lived


def put_calls_first(app: App) -> None:
    """Puts the routes of calls before the others of Gradio's API, which among themselves keep their order."""
    for included in app.router.routes:
        routes: list[Any] = getattr(getattr(included, "original_router", None), "routes", [])
        routes.sort(key=lambda route: not getattr(route, "path", "").startswith(CALLS))
