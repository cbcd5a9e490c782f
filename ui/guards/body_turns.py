"""Hands large bodies on one after the other, so that between two of them everybody else is answered."""

import asyncio

from starlette.types import Message, Receive

SECONDS_A_BYTE = 2e-8  # which reading one takes about, and in which nothing else runs


class BodyTurns:
    """Gives one body after the other to those who read them, with a pause behind each."""

    def __init__(self, seconds_a_byte: float = SECONDS_A_BYTE) -> None:
        self._turn = asyncio.Semaphore(1)
        self._seconds_a_byte = seconds_a_byte

    def in_turn(self, receive: Receive, size: int) -> Receive:
        """Returns a `receive` that waits for its turn before it gives a body of that many bytes, and only then."""
        is_given = False

        async def received() -> Message:
            nonlocal is_given
            if not is_given:
                await self._turn.acquire()
                is_given = True
                loop = asyncio.get_running_loop()
                loop.call_soon(loop.call_later, size * self._seconds_a_byte, self._turn.release)
            return await receive()

        return received
