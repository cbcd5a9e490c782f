"""Sends a command to the app that has its library open, and prints what comes back; it imports as little as it can."""

import errno
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from commands.relay import FOLDER, SECRET, SOCKET, Line, address_of, normal
from commands.start import end_at_once

EXIT_USAGE, EXIT_NO_OUTPUT, EXIT_APP_GONE = 2, 3, 3
ANSWERS_WITHIN = 10.0  # seconds for the first words of an app that may be busy
SIGNALS = (signal.SIGINT, signal.SIGTERM)
OF_TERMINAL = ("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS")


def send_to_app(argv: Sequence[str]) -> int | None:
    """Runs a command in the app that has the library open, and returns its exit code.

    Returns None where there is no such app, or the command is one to run here: the page, a help text, a command line
    that nobody understands, settings that are wrong.
    """
    if not argv or argv[0].startswith("-") or "--help" in argv or not hasattr(socket, "AF_UNIX"):
        return None
    given = _settings()
    if given is None:
        return None
    with suppress(OSError):
        folder = Path(given.get("DATA_DIR", "data")).absolute() / FOLDER
        line = _connected(folder)
        try:
            return _converse(line, folder, given, argv)
        finally:
            line.close()
    return None


def _settings() -> dict[str, str] | None:
    """Returns the settings that the environment and .env give, as text; None where they are wrong."""
    from environment import DOTENV, SettingsError, expanded, read_dotenv

    try:
        found = read_dotenv(DOTENV) | {name: value for name, value in os.environ.items() if value}
        for name in ("DATA_DIR", "IMAGE_STORE", "CLIP_MODEL", "CLIP_TEXT_MODEL"):
            if name in found:
                found[name] = expanded(found[name], name)
    except SettingsError:
        return None
    return found


def _connected(folder: Path) -> Line:
    """Raises OSError where no app listens, or it is somebody else's."""
    owner = (folder / SOCKET).stat().st_uid
    if os.geteuid() not in (0, owner):
        raise PermissionError(errno.EPERM, "the app is another user's")
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connected.settimeout(ANSWERS_WITHIN)
    connected.connect(address_of(folder))
    return Line(connected)


def _converse(line: Line, folder: Path, given: Mapping[str, str], argv: Sequence[str]) -> int | None:
    line.send(secret=(folder / SECRET).read_text(encoding="ascii"))
    hello = line.receive()
    if hello is None:
        return None
    if name := _differing(hello, given):
        if hello["settings"]["MILVUS_URI"] or given.get("MILVUS_URI"):
            return None  # a server is everybody's: the command goes its own way
        from library.messages import message

        app, own = hello["settings"][name], given.get(name) or hello["defaults"].get(name, "")
        print(message("command_of_other_settings", name=name, app=app, command=own), file=sys.stderr)
        return EXIT_USAGE
    line.wait_for_ever()
    line.send(argv=list(argv), cwd=os.getcwd(), **_terminal())
    with _signals_passed_on(line):
        return _relayed(line)


def _differing(hello: Mapping[str, Any], given: Mapping[str, str]) -> str | None:
    """Returns the first setting that the app has otherwise; of most only what was given counts."""
    for name, value in hello["settings"].items():
        mine = given.get(name) or hello["defaults"].get(name)
        if mine is not None and normal(name, mine) != value:
            return str(name)
    return None


def _terminal() -> dict[str, Any]:
    def stream(of: Any) -> dict[str, Any]:
        return {"is_terminal": of.isatty(), "encoding": of.encoding}

    environment = {name: os.environ[name] for name in OF_TERMINAL if name in os.environ}
    columns = shutil.get_terminal_size().columns
    return {"out": stream(sys.stdout), "err": stream(sys.stderr), "columns": columns, "environment": environment}


def _relayed(line: Line) -> int | None:
    """Prints what the command prints, and passes on what is typed, until it has ended."""
    try:
        while (told := line.receive()) is not None:
            if "exit" in told:
                return int(told["exit"])
            if "own" in told:
                return None
            if "ask" in told:
                _answer(line, told)
            else:
                _print(told)
    except BrokenPipeError:  # nobody reads on
        _throw_output_away()
        return 1
    except OSError as error:
        _throw_output_away()
        print(f"The output cannot be written: {error.strerror}.", file=sys.stderr)
        return EXIT_NO_OUTPUT
    from library.messages import message

    print(message("app_stopped"), file=sys.stderr)
    return EXIT_APP_GONE


def _print(told: Mapping[str, Any]) -> None:
    for name, stream in (("out", sys.stdout), ("err", sys.stderr)):
        if name in told:
            stream.write(told[name])
            stream.flush()


def _answer(line: Line, told: Mapping[str, Any]) -> None:
    """Prints a question, and sends what is typed, or that a signal came instead."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    passed_on = {number: handler for number in SIGNALS if callable(handler := signal.getsignal(number))}
    try:
        for number in passed_on:
            signal.signal(number, interrupt)
        _print(told)
        line.send(line=_typed())
    except KeyboardInterrupt:
        line.send(interrupt=True)
    finally:
        for number, handler in passed_on.items():
            signal.signal(number, handler)


def _typed() -> str | None:
    with suppress(OSError, ValueError):
        return sys.stdin.readline() or None
    return None


@contextmanager
def _signals_passed_on(line: Line) -> Iterator[None]:
    """Passes the first signal on to the app; a second one ends this process, upon which the app stops the command."""

    def interrupt(*_: object) -> None:
        for number in before:
            signal.signal(number, end_at_once)
        with suppress(OSError):
            line.send(interrupt=True)

    before = {number: handler for number in SIGNALS if (handler := signal.getsignal(number)) is not signal.SIG_IGN}
    try:
        for number in before:
            signal.signal(number, interrupt)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _throw_output_away() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left in the buffer would fail again at the end
