"""Lets calls that pass by Gradio's queue take turns with those that wait in it, in the same lane."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

PAUSE = 0.05  # seconds between two looks at a lane, as Gradio's queue has them
AT_ONCE = 4  # in a lane that has no limit in the queue


@dataclass(eq=False)
class WaitingCall:
    """Describes a call as Gradio describes those that it queues."""

    fn: Any
    enqueue_time: float = field(default_factory=time.monotonic)


class DirectLine:
    """Holds the calls that wait for a turn of one lane outside of Gradio's queue; none of them takes a thread."""

    def __init__(self, lane: Any) -> None:
        self.waiting: list[WaitingCall] = []
        self.was_last = False  # whether the latest turn was one of this line
        self._lane = lane
        self._in_front = asyncio.Lock()

    @asynccontextmanager
    async def turn(self, fn: Any, gone: asyncio.Future[Any] | None = None) -> AsyncIterator[float | None]:
        """Waits for a turn and holds it; yields how many seconds the call has waited.

        It yields None, and there is no turn, where `gone` is done before: whoever called has hung up.
        """
        call = WaitingCall(fn)
        turn = asyncio.ensure_future(self._taken(call))
        try:
            await asyncio.wait([turn, gone] if gone else [turn], return_when=asyncio.FIRST_COMPLETED)
            is_wanted = not (gone and gone.done())
            yield time.monotonic() - call.enqueue_time if is_wanted else None
        finally:
            if not turn.cancel():
                self._lane.current_concurrency -= 1

    async def _taken(self, call: WaitingCall) -> None:
        self.waiting.append(call)
        try:
            async with self._in_front:
                while not self._is_next():
                    await asyncio.sleep(PAUSE)
                self._lane.current_concurrency += 1
                self.was_last = True
        finally:
            self.waiting.remove(call)

    def _is_next(self) -> bool:
        """Returns whether a turn is free, and not due to the calls that Gradio holds."""
        limit = self._lane.concurrency_limit or AT_ONCE
        return self._lane.current_concurrency < limit and not (self.was_last and self._lane.queue)


def direct_line(lane: Any) -> DirectLine:
    """Returns the line of a lane, which it gets with its first direct call."""
    line: DirectLine = lane.__dict__.setdefault("direct_line", DirectLine(lane))
    return line


def calls_waiting(lane: Any) -> list[Any]:
    """Returns the calls that wait for a turn of a lane, whichever way they came."""
    return [*lane.queue, *direct_line(lane).waiting]
