"""Starts one process that decodes, and talks with it."""

import os
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from library.decoders import wire
from library.errors import RejectedImage
from library.images import Grey, Picture
from library.messages import Message
from library.running.work import Interrupted, check_stop, current

ROOT = Path(__file__).parents[2]
COMMAND = ("-m", "library.decoders.worker")
START_SECONDS = 60.0
ASK_EVERY = 0.2  # seconds between two looks at whether to go on waiting
PIPE_BYTES = 1 << 20
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "TZ", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE")
KEPT_PREFIXES = ("LC_", "LD_", "DYLD_")
SPARING = {
    **dict.fromkeys(["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"], "1"),
    "MALLOC_ARENA_MAX": "2",
    **dict.fromkeys(["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"], str(32 << 20)),  # else every picture faults
}


class Ended(Exception):
    """Tells that a process ended before it had answered; `code` is how, as subprocess has it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class NoProcess(Exception):
    """Tells that no process can be started here."""


class DecoderProcess:
    """Owns a process that decodes, for one thread at a time."""

    def __init__(self, command: tuple[str, ...] = COMMAND) -> None:
        """Starts the process. Raises NoProcess."""
        self._process = _started(command)
        self._requests, self._replies = cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)
        try:
            self._await_first_word()
        except (EOFError, OSError, ValueError) as error:
            raise NoProcess(f"it ended with {self.end()}") from error

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, header: dict[str, Any], data: bytes) -> "Picture | tuple[Picture, bytes] | Grey | bytes | int":
        """Sends a request and returns its answer, or how much room it takes.

        Raises RejectedImage, Ended, and Interrupted where the run that it is for is to stop: the process ends then,
        amid its work.
        """
        try:
            wire.write(self._requests, header, data)
            self._await_reply()
            said, body = wire.read(self._replies)
            current().spent(max(0.0, float(said["seconds"])))
            if "rejected" in said:
                raise _rejected(said["rejected"])
            if "room" in said:
                return int(said["room"])
            if "grey" in said:
                return wire.read_grey(self._replies, said["grey"])
            if "picture" in said:
                picture = wire.read_picture(self._replies, said["picture"])
                return (picture, body) if body else picture
            return body
        except RejectedImage:
            raise
        except Interrupted:
            self._process.kill()
            self.end()
            raise
        except Exception as error:  # a decoder that was led astray may answer anything
            raise Ended(self.end()) from error
        except BaseException:  # what it was about to say would be taken for the next answer
            self.end()
            raise

    def end(self) -> int:
        """Ends the process, if it has not ended itself, and returns how it ended."""
        with suppress(OSError):
            self._requests.close()
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._replies.close()
        return code

    def _await_first_word(self) -> None:
        if not self._speaks_within(START_SECONDS):
            raise EOFError
        wire.read(self._replies)

    def _await_reply(self) -> None:
        check_stop()
        while not self._speaks_within(ASK_EVERY):
            check_stop()

    def _speaks_within(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._replies, select.POLLIN)
        return bool(poll.poll(1000 * seconds))


def _started(command: tuple[str, ...]) -> "subprocess.Popen[bytes]":
    """Starts an interpreter afresh: a fork of a process with threads may hang."""
    if os.name != "posix" or not sys.executable:
        raise NoProcess(os.name)
    try:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # so that Ctrl-C reaches the app alone
        )
    except OSError as error:
        raise NoProcess(str(error)) from error
    for pipe in (process.stdin, process.stdout):
        _widen(pipe)
    return process


def _rejected(said: Any) -> RejectedImage:
    error = RejectedImage("damaged")
    error.message = Message.parse(said) or error.message
    return error


def _environment() -> dict[str, str]:
    """Returns what an interpreter needs, without the secrets of the app."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_PREFIXES)}
    return kept | SPARING


def _widen(pipe: Any) -> None:
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
