"""Renders what the library has to say: a code and values become a sentence in a language that has a table here.

A table is a JSON file of codes and sentences with `{placeholders}`, one for each language, named by its BCP 47 tag.
A code may have forms for numbers, such as `removed.one` and `removed.other`, chosen by the value `count`.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Union

from library.texts import encodable, shortened, without_controls

FOLDER = Path(__file__).parent
ENGLISH = "en"
STOPS = (".", "。", "!", "?", "…")
MAX_BITS = 1_000  # of a number that is written out: Python refuses to write thousands of digits

Value = Union[str, int, float, "Message"]
Table = Mapping[str, str]


@dataclass(frozen=True)
class Message:
    """Holds something to tell a person: the code of a sentence and what fills its placeholders.

    Numbers are written in the reader's language; what is no quantity, such as a port, is given as text. A value may be
    a message itself.
    """

    code: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        return render(self)

    def as_json(self) -> dict[str, Any]:
        """Returns the message as plain values, for the page and other readers that render it themselves."""
        return {"code": self.code, "values": {name: _plain(each) for name, each in self.values.items()}}

    @classmethod
    def parse(cls, value: Any) -> "Message | None":
        """Reads what `as_json` returned; None for anything else."""
        if not isinstance(value, dict) or not isinstance(value.get("code"), str):
            return None
        given = value.get("values") if isinstance(value.get("values"), dict) else {}
        read = {name: cls.parse(each) if isinstance(each, dict) else each for name, each in (given or {}).items()}
        kept = {name: each for name, each in read.items() if isinstance(each, str | int | float | Message)}
        return cls(value["code"], kept)


class Sentence(str):
    """Holds a message rendered as text, and keeps the message: readers of another language get it in theirs."""

    message: Message | None

    def __new__(cls, text: str, message: Message | None = None) -> "Sentence":
        sentence = super().__new__(cls, text)
        sentence.message = message
        return sentence


def message(code: str, **values: Value) -> Message:
    """Makes a message of a code that the tables have."""
    return Message(code, values)


def both(one: Message | None, other: Message | None) -> Message | None:
    """Returns the two as one message; the one that is there, where there is but one."""
    return message("both", one=one, other=other) if one and other else one or other


def render(message: Message, language: str = ENGLISH) -> Sentence:
    """Returns the sentence in that language, in English where its table lacks the code."""
    text = _sentence(message, table(language)) or _sentence(message, table(ENGLISH)) or message.code
    written = {name: _written(value, language) for name, value in message.values.items()}

    def filled(found: re.Match[str]) -> str:
        value, stop = written.get(found[1], f"{{{found[1]}}}"), found[2]
        return value if value.endswith(STOPS) else value + stop  # one full stop, where a value brings its own

    return Sentence(encodable(re.sub(r"\{(\w+)\}([.。]?)", filled, text)), message)


def rounded(number: int) -> str:
    """Returns a whole number of very many digits as a power of ten near it."""
    return f"{'-' if number < 0 else ''}≈10^{math.log10(abs(number)):.0f}"


def languages() -> list[str]:
    """Returns the tags of the languages that have a table."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


@cache
def table(language: str) -> Table:
    """Returns the sentences of a language by code; none where it has no table."""
    path = FOLDER / f"{language}.json"
    found: Table = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found


def _sentence(message: Message, sentences: Table) -> str | None:
    form = "one" if message.values.get("count") == 1 else "other"
    return (
        sentences.get(message.code) or sentences.get(f"{message.code}.{form}") or sentences.get(f"{message.code}.other")
    )


def _written(value: Value, language: str) -> str:
    if isinstance(value, Message):
        return render(value, language)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if value.bit_length() < MAX_BITS else rounded(value)
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value or value != value else repr(value)
    return _one_line(str(value))


def _plain(value: Value) -> Any:
    if isinstance(value, Message):
        return value.as_json()
    return _one_line(value) if isinstance(value, str) else value


def _one_line(text: str) -> str:
    """Returns what a person or a program wrote as any screen can show it within a sentence."""
    return without_controls(encodable(shortened(text)))
