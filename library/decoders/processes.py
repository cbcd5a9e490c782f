"""Decodes in processes of their own, so that a file that crashes a decoder, or never lets it end, costs one picture."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from library.decoders.direct import DirectDecoder
from library.decoders.process import ASK_EVERY, COMMAND, DecoderProcess, Ended, NoProcess
from library.decoding.pixel_budget import pixel_budget
from library.errors import RejectedImage
from library.images import WORKING_SIDE, Grey, Picture
from library.running.work import check_stop, current

logger = logging.getLogger(__name__)

SECONDS = 30.0  # of the processor, for one picture: the largest that are read take two thirds of it
PATIENCE = 5  # times as long by the clock, on a busy machine
SPARE = 4  # more processes than cores, so that some that hang hold up nobody
PAUSE = 60.0  # seconds until a process is tried again where none could be started
ENDED_BY_OTHERS = (0, -signal.SIGINT, -signal.SIGTERM)


class DecoderProcesses:
    """Decodes in processes that are started as they are needed, as many as pictures are decoded at once.

    Where none can be started, pictures are decoded in this process.
    """

    def __init__(self, seconds: float = SECONDS, command: tuple[str, ...] = COMMAND) -> None:
        self._seconds = seconds
        self._command = command
        self._direct = DirectDecoder()
        self._idle: list[DecoderProcess] = []
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore((os.cpu_count() or 1) + SPARE)
        self._owner = os.getpid()
        self._not_before = 0.0

    def decode(self, data: bytes, short_side: int = WORKING_SIDE) -> Picture:
        return cast(Picture, self._done("decode", data, short_side))

    def with_thumbnail(self, data: bytes, short_side: int = WORKING_SIDE) -> tuple[Picture, bytes]:
        return cast(tuple[Picture, bytes], self._done("with_thumbnail", data, short_side))

    def grey(self, data: bytes) -> Grey:
        return cast(Grey, self._done("grey", data))

    def thumbnail(self, data: bytes) -> bytes:
        return cast(bytes, self._done("thumbnail", data))

    def preview(self, data: bytes) -> bytes:
        return cast(bytes, self._done("preview", data))

    def close(self) -> None:
        """Ends the processes that do nothing; they are started anew when they are needed."""
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.end()

    def _done(self, task: str, data: bytes, *arguments: int) -> Any:
        try:
            return self._done_apart(task, data, arguments)
        except NoProcess:
            return getattr(self._direct, task)(data, *arguments)

    def _done_apart(self, task: str, data: bytes, arguments: tuple[int, ...]) -> Any:
        """Waits for room while no process holds the file, and requests the picture again. Raises NoProcess."""
        with pixel_budget().reservation() as reservation:
            reservation.take(len(data))  # which is there twice
            while True:
                header = {"task": task, "arguments": arguments, "room": reservation.pixels}
                with self._turn():
                    result = self._asked(header, data)
                if not isinstance(result, int):
                    return result
                reservation.exchange(result)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Waits until another picture may be decoded beside those in hand. Raises Interrupted."""
        check_stop()
        while not self._turns.acquire(timeout=ASK_EVERY):
            check_stop()
        try:
            yield
        finally:
            self._turns.release()

    def _asked(self, header: dict[str, Any], data: bytes) -> Any:
        for _ in range(2):
            process = self._borrow()
            try:
                result = process.ask(header | self._bounds, data)
            except RejectedImage:
                self._take_back(process)
                raise
            except Ended as end:
                if end.code not in ENDED_BY_OTHERS:
                    current().spent(self._seconds)
                    raise self._rejected(end.code) from None
                continue  # it had nothing to do for long, or somebody ended it
            self._take_back(process)
            return result
        raise self._rejected(0)

    def _borrow(self) -> DecoderProcess:
        """Returns a process for the caller alone. Raises NoProcess where none can be started."""
        with self._lock:
            if self._owner != os.getpid():  # a fork: the processes answer the one that started them
                self._idle, self._owner = [], os.getpid()
            while self._idle:
                process = self._idle.pop()
                if process.is_alive:
                    return process
                process.end()
            if time.monotonic() < self._not_before:
                raise NoProcess
        try:
            return DecoderProcess(self._command)
        except NoProcess as error:
            if not self._not_before:
                logger.warning("pictures are decoded in this process, since no other can be started: %s", error)
            self._not_before = time.monotonic() + PAUSE
            raise

    def _take_back(self, process: DecoderProcess) -> None:
        with self._lock:
            self._idle.append(process)

    @property
    def _bounds(self) -> dict[str, float]:
        return {"seconds": self._seconds, "seconds_at_most": PATIENCE * self._seconds}

    def _rejected(self, code: int) -> RejectedImage:
        logger.warning("a process that decoded a picture ended with %d; another takes its place", code)
        if -code in (signal.SIGPROF, signal.SIGALRM):
            return RejectedImage("decoder_too_slow", seconds=round(self._seconds))
        if -code == signal.SIGKILL:
            return RejectedImage("decoder_killed")
        return RejectedImage("decoder_crashed")
