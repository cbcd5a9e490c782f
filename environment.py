"""Reads the file .env, writes variables out in paths, and finds those that are misspelt."""

import codecs
import os
import re
from collections.abc import Collection, Container, Iterable
from difflib import SequenceMatcher
from io import StringIO
from itertools import takewhile
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from library.errors import LikenessError
from library.messages.reasons import reason_of
from runtime import printable

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
LONG, LONG_AMONG_OTHERS = 8, 10  # letters of a name in which two may be wrong: in .env, and among those of others
DOTENV = Path(".env")
SHORT = 3  # letters of a name that, but for one of them, may be any other word
VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)(?!\w|:-)", re.ASCII)  # ${NAME:-value} brings its own
WORDS = {
    "HOST": ("NAME",),
    "HOSTNAME": ("NAME",),
    "IP": ("NAME",),
    "ADDRESS": ("NAME", "URI"),
    "URL": ("URI",),
    "DATABASE": ("DB",),
    "FOLDER": ("DIR",),
    "DIRECTORY": ("DIR",),
    "PRECISION": ("DTYPE",),
}
OTHER_NAMES = {
    "GRADIO_HOST": "GRADIO_SERVER_NAME",
    "GRADIO_PORT": "GRADIO_SERVER_PORT",
    "GRADIO_AUTH": "AUTH",
    "ALLOWED_SOURCES": "SOURCES_ALLOWED",
    "MILVUS_DB_NAME": "MILVUS_DB",
    "CLIP_MODEL_NAME": "CLIP_MODEL",
    "CLIP_MODEL_ID": "CLIP_MODEL",
    "DATADIR": "DATA_DIR",
    "MILVUS_HOST": "MILVUS_URI",
    "MILVUS_PORT": "MILVUS_URI",
    "MILVUS_USER": "MILVUS_TOKEN",
    "MILVUS_PASSWORD": "MILVUS_TOKEN",
}
# Of other programs, though they look like ours: in .env, which is for this app, they are taken for ours.
OF_OTHERS = {
    *("MILVUS_HOST", "MILVUS_PORT", "MILVUS_USER", "MILVUS_PASSWORD", "LOGLEVEL", "LOG_NAME"),
    *("OAUTH", "XAUTH", "AUTHN", "AUTHZ", "AUTO", "QUEUES", "MEMO", "DEMON", "METRIC"),
}


class SettingsError(LikenessError):
    """Names a setting that is not possible, what was given and what is allowed."""


def read_dotenv(file: Path) -> dict[str, str]:
    """Returns the variables of the file that are not empty; none where there is no file. Raises SettingsError.

    It is read as UTF-8, or as UTF-16 as editors and shells of Windows write it.
    """
    try:
        if file.exists() and not file.is_file():  # a pipe may never be opened
            raise SettingsError("dotenv_no_file", file=file.name)
        data = file.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError("dotenv_not_read", file=file.name, reason=reason_of(error)) from None
    text = _decoded(data, file.name)
    _check_lines(text, file.name)
    plain = dotenv_values(stream=StringIO(text), interpolate=False)
    found = dotenv_values(stream=StringIO(text))
    lacking = [name for name, value in plain.items() if unset_in(value or "", plain)]
    return {name: value for name, value in (found | {name: plain[name] for name in lacking}).items() if value}


def _check_lines(text: str, file: str) -> None:
    """Raises SettingsError for a line that sets nothing, which would be passed over."""
    for line in parse_stream(StringIO(text)):
        if line.error or (line.key and line.value is None):
            written = line.original.string
            above = written[: len(written) - len(written.lstrip())].count("\n")  # empty lines are counted with it
            raise SettingsError("dotenv_line", file=file, line=str(line.original.line + above))


def unset_in(text: str, also: Container[str] = ()) -> str:
    """Returns the first variable that a text names, as $NAME or ${NAME}, and nobody has set; else an empty text."""
    named = (found[1] for found in VARIABLE.finditer(text))
    return next((name for name in named if name not in os.environ and name not in also), "")


def misspelt(names: Iterable[str], known: Iterable[str], is_for_us: bool = False) -> tuple[str, str] | None:
    """Returns a name that is nearly that of a known variable, and that variable; None where no name is.

    Among variables that are for us alone, as those of .env are, none is taken for another program's.
    """
    variables = sorted(known)
    left_alone = {*variables} if is_for_us else {*variables, *OF_OTHERS}
    long = LONG if is_for_us else LONG_AMONG_OTHERS
    for name in names:
        given = name.upper()
        if given in left_alone:
            continue
        if meant := _by_other_words(given, variables):
            return name, meant
        if near := [each for each in variables if _resembles(given, each, long, is_for_us)]:
            return name, max(near, key=lambda each: SequenceMatcher(None, given, each).ratio())
    return None


def _by_other_words(name: str, known: Collection[str]) -> str | None:
    """Returns the variable that means the same in other words, such as GRADIO_SERVER_HOST for GRADIO_SERVER_NAME."""
    start, _, word = name.rpartition("_")
    by_word = [f"{start}_{each}" for each in WORDS.get(word, ())]
    meant = [OTHER_NAMES.get(name, ""), name.removeprefix("LIKENESS_"), *by_word]
    return next((each for each in meant if each in known), None)


def _resembles(name: str, known: str, long: int, is_for_us: bool) -> bool:
    """Returns whether a name is a known one with a letter too many, too few, wrong, or swapped with the next one.

    In a long one it may be two letters, and the words may stand in another order.
    """
    if abs(len(name) - len(known)) > 2:
        return False
    if _is_one_slip(name, known):
        return is_for_us or len(known) > SHORT or sorted(name) == sorted(known)
    ours, theirs = sorted(known.split("_")), sorted(name.split("_"))
    if len(ours) == len(theirs) > 1 and (ours == theirs or _is_one_slip("_".join(theirs), "_".join(ours))):
        return True
    return len(known) >= long and _are_two_slips(name, known)


def _is_one_slip(one: str, other: str) -> bool:
    """Returns whether one letter more, less or other, or two swapped neighbours, make one word of another."""
    first, second = _differing(one, other)
    return max(len(first), len(second)) == 1 or (len(first) == 2 and first == second[::-1])


def _are_two_slips(one: str, other: str) -> bool:
    """Returns whether two slips of `_is_one_slip`, one after the other, make one word of another."""
    first, second = _differing(one, other)
    repaired = (second[:1] + first[1:], first[1:], second[:1] + first, first[1::-1] + first[2:])  # at the first one
    return any(_is_one_slip(each, second) for each in repaired)


def _differing(one: str, other: str) -> tuple[str, str]:
    """Returns two words without what they begin and end with alike."""
    start = _alike(one, other)
    one, other = one[start:], other[start:]
    end = _alike(one[::-1], other[::-1])
    return one[: len(one) - end], other[: len(other) - end]


def _alike(one: str, other: str) -> int:
    """Returns how many letters two words have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def expanded(place: str, setting: str) -> str:
    """Returns a path with ~ and variables written out, a URL as it is. Raises SettingsError for a name of nothing."""
    scheme, is_url, path = place.partition("://") if "://" in place else ("", "", place)
    if is_url and scheme != "file":
        return place
    found = os.path.expanduser(os.path.expandvars(path))
    if variable := unset_in(found):
        raise SettingsError("variable_not_set", setting=setting, value=printable(place), variable=variable)
    if found.startswith("~"):
        user = printable(found.partition("/")[0])
        raise SettingsError("home_of_nobody", setting=setting, value=printable(place), user=user)
    return scheme + is_url + found


def _decoded(data: bytes, file: str) -> str:
    try:
        text = data.decode(_encoding(data))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError("dotenv_no_utf8", file=file, line=line) from None
    if "\0" in text:
        raise SettingsError("dotenv_no_text", file=file)
    return text


def _encoding(data: bytes) -> str:
    for mark, encoding in MARKS.items():
        if data.startswith(mark):
            return encoding
    if b"\0" in data[:2]:  # UTF-16 without its mark, since a variable begins with a letter
        return "utf-16-be" if data.startswith(b"\0") else "utf-16-le"
    return "utf-8"
