"""Writes to the terminal, a file or a pipe, whatever its encoding, and says so where that fails."""

import errno
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from commands.exit_codes import EXIT_INTERRUPTED, EXIT_REJECTED
from commands.terminal import current, stream_of
from library.texts import without_controls

EXIT_NO_OUTPUT = 3
LATER_CONTROLS = re.compile("[\x7f-\x9f]")  # which JSON may have as they are, other than the first 32


def echo(text: str = "", err: bool = False, nl: bool = True) -> None:
    """Prints lines on stdout, or on stderr; characters that the encoding lacks, or that would steer the terminal, are
    replaced, not guessed at."""
    _write("\n".join(map(without_controls, text.split("\n"))), err, nl)


def echo_json(value: object, indent: int | None = None) -> None:
    """Prints JSON, in ASCII where the encoding lacks a character of it: nothing is lost."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    text = LATER_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    _write(text if _can_write(text) else json.dumps(value, indent=indent))


def echo_program(text: str) -> None:
    """Prints a program of Python; characters that the encoding lacks are escaped, as its literals may have them."""
    encoding = _encoding()
    _write(text if _can_write(text) else text.encode(encoding, "backslashreplace").decode(encoding), nl=False)


def confirm(question: str, otherwise: str, err: bool = False) -> None:
    """Asks a question at the terminal until it is answered by yes or no.

    Ends the program unless it is yes, also where nobody is there to answer; `otherwise` says what is not done then.
    """
    while True:
        try:
            answer = _answer(f"{question} [y/N]: ", err)
        except KeyboardInterrupt:
            echo(f"\n{otherwise}", err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from None
        if answer is None:
            echo(f"\n{otherwise} Nobody is there to answer: give --yes to have it done without a question.", err=True)
            raise typer.Exit(EXIT_REJECTED)
        if answer.strip().lower() in ("y", "yes"):
            return
        if answer.strip().lower() in ("n", "no", ""):
            echo(otherwise, err=True)
            raise typer.Exit(EXIT_REJECTED)
        echo("Please answer y or n.", err=err)


def _answer(question: str, err: bool) -> str | None:
    """Returns a line that was typed; None at the end of the input. Raises KeyboardInterrupt."""
    terminal = current()
    if terminal:
        return terminal.ask(without_controls(question), err)
    echo(question, err=err, nl=False)
    try:
        return sys.stdin.readline() or None
    except (AttributeError, OSError, ValueError):  # as closed, or of another encoding
        return None


def _write(text: str, err: bool = False, nl: bool = True) -> None:
    with _failures_explained():
        typer.echo(text, file=stream_of(err, sys.stderr if err else sys.stdout), nl=nl)


def _can_write(text: str) -> bool:
    try:
        text.encode(_encoding())
    except UnicodeEncodeError:
        return False
    return True


def _encoding() -> str:
    return getattr(stream_of(False, sys.stdout), "encoding", None) or "utf-8"


@contextmanager
def _failures_explained() -> Iterator[None]:
    """Ends the program where its output cannot be written. A pipe that was closed is left to typer."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left in the buffer would fail again at the end
        typer.echo(f"The output cannot be written: {error.strerror}.", err=True)
        raise typer.Exit(EXIT_NO_OUTPUT) from None
