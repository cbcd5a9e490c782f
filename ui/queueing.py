"""Gives the queue of Gradio an end, measures the wait in it, and lets the log name the request of each call."""

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from typing import Any

import gradio as gr
from starlette.exceptions import HTTPException
from starlette.types import Scope

from library.errors import UNEXPECTED, InvalidQuery, NotAllowed
from library.running.monitor import Monitor, code_of
from library.running.work import Work, enter
from ui.direct_line import calls_waiting, direct_line
from ui.lanes import AT_ONCE, WATCHING
from ui.request_ids import request_id
from ui.sentences import sentence_for

logger = logging.getLogger(__name__)

LONGEST_SESSION = 100  # characters: Gradio's own have ten, and it keeps them
BAD_REQUEST = 400
TOO_MANY = 429  # of 503 the page would show a sentence of Gradio's
LONGEST_WAIT = 300
WATCHED_AT_ONCE = 10  # calls of a lane without a limit, for each that may wait in another
KEPT_SESSIONS = 4_000  # twice as many as Gradio keeps messages of
PAUSE = 0.1  # seconds until a queue that failed goes on
UNKNOWN_SECONDS = 1.0  # of a call that was never made so far


def watch_queue(page: gr.Blocks, most: int, monitor: Monitor) -> None:
    """Bounds each lane of the page's queue to `most` calls that wait, and watches the calls."""
    queue = page._queue
    queue.max_size = None  # on ZeroGPU it would be one, and the page alone asks for more than that at once
    push, process_events, process_api = queue.push, queue.process_events, page.process_api
    _keep_going(queue)

    async def bounded(body: Any, request: Any, username: str | None) -> Any:
        _check_session(body.session_hash, request)
        lane = _lane(page, body.fn_index)
        if lane:
            check_room(queue, lane, most, request.scope)
        return await push(body, request, username)

    async def watched(events: list[Any], batch: bool, begin_time: float, fn: Any) -> None:
        direct_line(queue.event_queue_per_concurrency_id[fn.concurrency_id]).was_last = False
        if fn.concurrency_id != WATCHING["concurrency_id"]:
            monitor.took("queue", time.monotonic() - events[0].enqueue_time)
        enter(Work(request_id(events[0].request.scope)))
        try:
            await process_events(events, batch, begin_time, fn)
        finally:
            _forget_sessions(queue, page, events)

    async def answered(*args: Any, **options: Any) -> Any:
        try:
            return await process_api(*args, **options)
        except gr.Error as error:
            monitor.failed("api", code_of(error.message))
            if error.print_exception:  # beside the log, and with all that it was given
                logger.warning("A call was refused: %s", error)
                error.print_exception = False
            raise
        except Exception as error:
            monitor.failed("api", code_of(error))
            logger.error("A call failed", exc_info=error)
            raise gr.Error(str(UNEXPECTED), print_exception=False) from None

    queue.__dict__.update(push=bounded, process_events=watched)
    page.__dict__["process_api"] = answered


def _check_session(name: str | None, request: Any) -> None:
    """Raises HTTPException for a `session_hash` that Gradio would fail over."""
    if name is not None and not (0 < len(name) <= LONGEST_SESSION and name.isprintable()):
        wrong = InvalidQuery("session_impossible", most=LONGEST_SESSION)
        raise HTTPException(BAD_REQUEST, sentence_for(wrong, request.scope))


def check_room(queue: Any, lane: Any, most: int, scope: Scope) -> None:
    """Raises HTTPException where as many calls as allowed wait for a turn of a lane, or ten times as many run in one
    without a limit."""
    waiting = calls_waiting(lane)
    count = len(waiting)
    if lane.concurrency_limit is None:  # there nobody waits in line, and all run at once
        count, most = count + lane.current_concurrency, WATCHED_AT_ONCE * most
    if count >= most:
        seconds = _seconds(queue, lane, waiting)
        full = NotAllowed("queue_full", count=count, seconds=seconds)
        detail = sentence_for(full, scope)
        raise HTTPException(TOO_MANY, detail, headers={"Retry-After": str(seconds)})


def _keep_going(queue: Any) -> None:
    """Keeps the queue running whatever fails in it, such as a session that Gradio has forgotten."""
    send_message, start_processing = queue.send_message, queue.start_processing

    def sent(event: Any, message: Any) -> None:
        if event.session_hash in queue.pending_messages_per_session:
            send_message(event, message)

    async def kept_going() -> None:
        while True:
            try:
                await start_processing()
            except Exception as error:
                logger.error("The queue failed, and goes on", exc_info=error)
                await asyncio.sleep(PAUSE)
                queue.stopped = False
            else:
                return

    queue.__dict__.update(send_message=sent, start_processing=kept_going)


def _lane(page: gr.Blocks, index: int | None) -> Any:
    fn = page.fns.get(index) if index is not None else None
    return page._queue.event_queue_per_concurrency_id.get(fn.concurrency_id) if fn else None


def _forget_sessions(queue: Any, page: gr.Blocks, events: list[Any]) -> None:
    """Frees what Gradio keeps: 100 KB of each of ten thousand sessions, and a set of every one for ever."""
    for event in events:
        if event.session_hash == event._id:  # a call of a program, which had the session to itself
            page.state_holder.session_data.pop(event.session_hash, None)
            page.state_holder.time_last_used.pop(event.session_hash, None)
    begun, messages = queue.pending_event_ids_session, queue.pending_messages_per_session
    if len(begun) > KEPT_SESSIONS:
        for ended in [each for each in begun if each not in messages]:
            del begun[ended]


def _seconds(queue: Any, lane: Any, waiting: Sequence[Any]) -> int:
    """Returns about how long it takes until all that wait have been answered, as long as answers took so far.

    Where these say nothing yet, it is as long as the first in line has waited.
    """
    known = queue.process_time_per_fn
    each = (known[call.fn].avg_time if call.fn in known else UNKNOWN_SECONDS for call in waiting)
    seconds = math.ceil(sum(each) / (lane.concurrency_limit or AT_ONCE))
    since = (float(call.enqueue_time) for call in waiting)
    waited = math.ceil(time.monotonic() - min(since, default=time.monotonic()))
    return min(LONGEST_WAIT, max(1, int(seconds), waited))
