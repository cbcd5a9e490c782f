"""Keeps names of files and words of visitors out of the log, unless they are asked for."""

import re
from dataclasses import dataclass, replace
from traceback import format_tb

from library.errors import LikenessError
from library.messages import Message, Sentence, Value, render
from library.texts import shortened

HIDDEN = "…"
# Placeholders of messages that hold what is public: of settings, formats and models.
PUBLIC = frozenset(
    [
        *("device", "edits", "encoding", "format", "formats", "kind", "kinds", "method", "model", "port", "proxy"),
        *("revision", "scheme", "setting", "type", "uri", "variable"),
    ]
)
FOREIGN = frozenset(["reason", "problem"])  # what other programs say, who quote what they were given
QUOTED = re.compile("[\"'`].*[\"'`]", re.DOTALL)


@dataclass(frozen=True)
class Private:
    """Marks a text in a log entry as a name or as words: only a log with LOG_NAMES shows it."""

    text: str

    def __str__(self) -> str:
        return HIDDEN


def plain(value: object) -> object:
    """Returns an argument of a log entry as it is, with the names in it."""
    return shortened(value.text) if isinstance(value, Private) else value


def discreet(value: object) -> object:
    """Returns an argument of a log entry without the names and words that are in it."""
    if isinstance(value, LikenessError):
        return render(_without_names(value.message))
    if isinstance(value, Message):
        return render(_without_names(value))
    if isinstance(value, Sentence) and value.message:
        return render(_without_names(value.message))
    if isinstance(value, BaseException):
        return _said_by(value)
    return value


def discreet_traceback(error: BaseException) -> list[str]:
    """Returns the lines of a traceback, in which exceptions say nothing of what they were given."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = [*discreet_traceback(before), "which led to:"] if before else []
    frames = "".join(format_tb(error.__traceback__)).splitlines()
    return [*lines, *frames, f"{type(error).__qualname__}: {discreet(error)}"]


def _said_by(error: BaseException) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return QUOTED.sub(HIDDEN, str(error))


def _without_names(message: Message) -> Message:
    def value_of(name: str, value: Value) -> Value:
        if isinstance(value, Message):
            return _without_names(value)
        if not isinstance(value, str) or name in PUBLIC:
            return value
        return QUOTED.sub(HIDDEN, value) if name in FOREIGN else HIDDEN

    return replace(message, values={name: value_of(name, each) for name, each in message.values.items()})
