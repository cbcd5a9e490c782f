"""Reads the file .env, and finds variables that are misspelt."""

import codecs
from collections.abc import Iterable
from difflib import SequenceMatcher
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

from library.errors import LikenessError
from library.reasons import reason_of

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
SIMILAR = 0.885  # EDIT and EDITS are; EDITOR and EDITS are not
LONG = 8  # letters of a name that no word of others begins with
OF_OTHERS = {"LOGLEVEL"}  # of other programs, though it looks like one of ours


class SettingsError(LikenessError):
    """Names a setting that is not possible, what was given and what is allowed."""


def read_dotenv(file: Path) -> dict[str, str]:
    """Returns the variables of the file that are not empty; none where there is no file. Raises SettingsError.

    It is read as UTF-8, or as UTF-16 as editors and shells of Windows write it.
    """
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError("dotenv_not_read", file=file.name, reason=reason_of(error)) from None
    found = dotenv_values(stream=StringIO(_decoded(data, file.name)))
    return {name: value for name, value in found.items() if value}


def misspelt(names: Iterable[str], known: Iterable[str]) -> tuple[str, str] | None:
    """Returns a name that is nearly that of a known variable, and that variable; None where no name is."""
    variables = set(known)
    for name in names:
        if name.upper() in variables | OF_OTHERS:
            continue
        for each in variables:
            if _resembles(name.upper(), each):
                return name, each
    return None


def _resembles(name: str, known: str) -> bool:
    extra = name.removeprefix(known)
    if name == f"{known}S" or (name.startswith(known) and len(known) >= LONG and len(extra) <= 2 and extra.isalpha()):
        return True
    if known in name:  # XAUTH and K_LOG_LEVEL are those of other programs
        return False
    return SequenceMatcher(None, name, known).ratio() >= SIMILAR


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
