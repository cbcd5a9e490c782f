"""Lets no page of another origin read an answer, but those of the sites that are named."""

import re
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

from gradio.route_utils import CustomCORSMiddleware
from gradio.routes import App
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

Lifespan = Callable[[App], AbstractAsyncContextManager[None]]


def named_origins(sites: Collection[str]) -> list[Middleware]:
    """Returns what lets the pages of these hosts read the answers to what they may call."""
    if not sites:
        return []
    origins = rf"https?://({'|'.join(map(re.escape, sites))})(:\d+)?"
    every = ["*"]
    return [
        Middleware(
            CORSMiddleware,
            allow_origin_regex=origins,
            allow_credentials=True,
            allow_methods=every,
            allow_headers=every,
        )
    ]


def with_our_origins(lifespan: Lifespan | None = None) -> Lifespan:
    """Returns what an app lives in: Gradio's own headers, which let every page of this machine read, stay away."""

    @asynccontextmanager
    async def lived(app: App) -> AsyncIterator[None]:
        _leave_to_us(app)
        async with lifespan(app) if lifespan else nullcontext():
            yield

    return lived


def _leave_to_us(app: App) -> None:
    layer: Any = app.middleware_stack
    while layer and not isinstance(layer, CustomCORSMiddleware):
        layer = getattr(layer, "app", None)
    if layer:  # as it finds by itself where the app around it has such headers
        layer._parent_configures_cors = True
