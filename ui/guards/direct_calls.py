"""Makes calls that are answered in the request itself wait in line, as those that Gradio queues do."""

import asyncio
import json
import re
from typing import Any

from gradio.data_classes import PredictBody
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from library.errors import ModelUnavailable
from library.running.monitor import Monitor
from ui.direct_line import direct_line
from ui.guards.json_limits import LARGE
from ui.guards.request_body import read_body, replayed
from ui.queueing import check_room
from ui.routes import route_of
from ui.sentences import sentence_for

DIRECT = re.compile(r"/gradio_api/(run|api)/(?P<name>[^/]+)/?")
UNAVAILABLE = 503
NO_CALL = -1


class DirectCalls:
    """Bounds the calls by /run and /api: each waits for a turn in the lane of its function, or is refused."""

    def __init__(self, app: ASGIApp, most: int, monitor: Monitor) -> None:
        self._app = app
        self._most = most
        self._monitor = monitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_call = scope["type"] == "http" and scope["method"] == "POST"
        found = DIRECT.fullmatch(route_of(scope)) if is_call else None
        if not found:
            await self._app(scope, receive, send)
            return
        body = await read_body(receive)
        if body is None:
            return  # the client has gone
        page = scope["app"].get_blocks()
        fn = _function(
            page, found["name"], await run_in_threadpool(_number, body) if len(body) > LARGE else _number(body)
        )
        if fn:
            await self._in_turn(page._queue, fn, scope, body, receive, send)
        else:  # Gradio says what is wrong with it
            await self._app(scope, replayed(body, receive), send)

    async def _in_turn(self, queue: Any, fn: Any, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        queue.create_event_queue_for_fn(fn)
        lane = queue.event_queue_per_concurrency_id[fn.concurrency_id]
        try:
            check_room(queue, lane, self._most, scope)
        except HTTPException as full:
            await JSONResponse({"detail": full.detail}, full.status_code, full.headers)(scope, receive, send)
            return
        gone = asyncio.ensure_future(receive())  # behind the body comes the end of the connection
        try:
            async with direct_line(lane).turn(fn, gone) as waited:
                if waited is not None:
                    self._monitor.took("queue", waited)
                    answer = _ended(scope) if queue.stopped else self._app
                    await answer(scope, replayed(body, lambda: asyncio.shield(gone)), send)
        finally:
            gone.cancel()


def _ended(scope: Scope) -> JSONResponse:
    return JSONResponse({"detail": sentence_for(ModelUnavailable("app_stopping"), scope)}, UNAVAILABLE)


def _number(body: bytes) -> int | None:
    """Returns the number of the function that a call names; -1 where it is none that Gradio reads."""
    try:
        return PredictBody.model_validate(json.loads(body)).fn_index
    except (ValueError, RecursionError):
        return NO_CALL


def _function(page: Any, name: str, number: int | None) -> Any:
    """Returns the function that Gradio will call; None where there is none."""
    if number is not None:
        return page.fns.get(number)
    return next((fn for fn in page.fns.values() if fn.api_name == name), None)
