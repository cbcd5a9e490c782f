"""Decodes pictures in a process of its own, one after the other, until the process that started it ends.

It imports nothing but what decoding takes, has no file open but its two pipes, and no secrets in its environment.
"""

import os
import resource
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from library.decoders import wire
from library.decoders.direct import DirectDecoder
from library.decoders.returned_memory import return_memory
from library.decoding.formats import JPEG_XL, format_of
from library.decoding.opening import MOST_PIXELS
from library.decoding.pixel_budget import MOST_AT_ONCE, NeedsMorePixels, PixelBudget
from library.errors import RejectedImage
from library.images import Grey, Picture

OVERCOMMIT, NEVER = Path("/proc/sys/vm/overcommit_memory"), "2"
PAGES_OF_DATA = 5  # the place of that number in /proc/self/statm
IDLE_SECONDS = 300.0
MOMENT = 1.0  # seconds
TASKS = ("decode", "with_thumbnail", "grey", "thumbnail", "preview")
MOST_MEMORY = 8 << 30  # addresses, of which libraries reserve many that they never use
MARGIN, MARGIN_OF_A_CORE = 256 << 20, 16 << 20  # bytes: the picture of a photo, and the stacks of threads
BYTES_OF_ROOM = 8  # for each pixel: half as much again as it is counted with, and more
BYTES_OF_WEBP = 8  # for each pixel: two frames
FIRST_TO_GO = "900"  # where memory runs out, the kernel ends this process and not the app


class GivenPixels(PixelBudget):
    """Holds the pixels that the app has given to this picture, and asks for more by NeedsMorePixels."""

    def take(self, pixels: int, is_begun: bool = False) -> int:
        wanted = min(pixels, MOST_AT_ONCE)
        if wanted > self._all:
            raise NeedsMorePixels(wanted)
        return wanted

    def give_back(self, pixels: int) -> None:
        pass


def main() -> None:
    """Answers requests until there are no more, or none came for a while."""
    requests, replies = _pipes()
    _limit()
    threading.Thread(target=_end_with_parent, args=[requests.fileno()], daemon=True).start()
    wire.write(replies, {"ready": True})
    with suppress(EOFError, OSError):
        while _comes_within(IDLE_SECONDS, requests):
            header, data = wire.read(requests)
            _answer(replies, header, data)
            del data
            if header["room"]:
                return_memory()
    os._exit(0)


def _comes_within(seconds: float, requests: BinaryIO) -> bool:
    """Waits for a request; where none comes for a moment, memory is returned meanwhile."""
    if select.select([requests], [], [], MOMENT)[0]:
        return True
    return_memory()
    return bool(select.select([requests], [], [], seconds)[0])


def _answer(replies: BinaryIO, header: dict[str, Any], data: bytes) -> None:
    signal.setitimer(signal.ITIMER_PROF, header["seconds"])  # of the processor: a busy machine is no reason
    signal.setitimer(signal.ITIMER_REAL, header["seconds_at_most"])
    begun = time.process_time()
    try:
        with _bounded(_most_in(header["room"]) + _taken_by_opening(data)):
            result = _done(header, data)
        if header["room"]:  # a large one: the others find the memory of the one before, and are quicker for it
            return_memory()
    except RejectedImage as error:
        refusal = RejectedImage("decoder_bounded") if _is_by_bound(error) else error
        wire.write(replies, {"rejected": refusal.message.as_json(), **_took(begun)})
    except NeedsMorePixels as wish:
        wire.write(replies, {"room": wish.pixels, **_took(begun)})
    else:
        _send(replies, result, _took(begun))
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def _bounded(most: int) -> Iterator[None]:
    """Refuses memory far beyond what a picture may take, wherever its file leads a decoder. Linux alone counts it."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with suppress(OSError, ValueError):
        held = int(Path("/proc/self/statm").read_text().split()[PAGES_OF_DATA]) * resource.getpagesize()
        margin = MARGIN + MARGIN_OF_A_CORE * (os.cpu_count() or 1)
        resource.setrlimit(resource.RLIMIT_DATA, (held + margin + most, hard))
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _is_by_bound(error: RejectedImage) -> bool:
    """Returns whether memory was refused by the bound: where the machine has none left, Linux ends this process, unless
    it was told to promise no more than there is."""
    with suppress(OSError):
        return error.message.code == "no_memory" and OVERCOMMIT.read_text().strip() != NEVER
    return False


def _most_in(room: int) -> int:
    """Returns the bytes that a picture may take; one that has all the room may need more, and is alone."""
    return BYTES_OF_ROOM * room * (2 if room >= MOST_AT_ONCE else 1)


def _taken_by_opening(data: bytes) -> int:
    """Returns the bytes that a decoder takes, or reserves without using them, before the picture asks for room."""
    if JPEG_XL.match(data):
        return MOST_MEMORY
    return BYTES_OF_WEBP * MOST_PIXELS["WEBP"] if format_of(data) == "WebP" else 0


def _done(header: dict[str, Any], data: bytes) -> Any:
    decoder = DirectDecoder(GivenPixels(header["room"]))
    return getattr(decoder, TASKS[TASKS.index(header["task"])])(data, *header["arguments"])


def _took(begun: float) -> dict[str, float]:
    return {"seconds": time.process_time() - begun}


def _send(replies: BinaryIO, result: Picture | tuple[Picture, bytes] | Grey | bytes, took: dict[str, float]) -> None:
    if isinstance(result, np.ndarray):
        wire.write(replies, {"grey": result.shape[::-1], **took})
        replies.write(result.data)
        replies.flush()
        return
    if isinstance(result, bytes):
        wire.write(replies, took, result)
        return
    picture, small = result if isinstance(result, tuple) else (result, b"")
    wire.write(replies, {"picture": wire.described(picture), **took}, small)
    wire.write_pixels(replies, picture.image)


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Returns the pipes that were given as input and output; what libraries print goes nowhere."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return sys.stdin.buffer, replies


def _limit() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # meant for the app, with which this process ends
    for kind, most in (("AS", MOST_MEMORY), ("CORE", 0), ("FSIZE", 0), ("NOFILE", 64)):
        with suppress(AttributeError, OSError, ValueError):
            resource.setrlimit(getattr(resource, f"RLIMIT_{kind}"), (most, most))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO)


def _end_with_parent(pipe: int) -> None:
    """Waits, even while a decoder never returns, for the app to close its end of the pipe, as its own end does."""
    poll = select.poll()
    poll.register(pipe, 0)
    poll.poll()
    os._exit(0)


if __name__ == "__main__":
    main()
