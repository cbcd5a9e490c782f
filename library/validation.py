"""Checks what a client sent, which may be anything that JSON can say."""

import json
import math
import os
import re
import sys
from collections.abc import Mapping
from decimal import Decimal
from numbers import Real
from reprlib import Repr
from typing import Any, TypeGuard

import numpy as np

from library.errors import InvalidQuery, LikenessError
from library.messages import MAX_BITS, message, rounded
from library.texts import encodable

MAX_TEXT = 2_000
WHOLE = re.compile(r"[+-]?[0-9]{1,4000}", re.ASCII)
MAX_NAME = 400
MAX_ENTRIES = 50_000
MAX_SHOWN = 80


def mapping(value: Any) -> Mapping[str, Any]:
    """Returns an object of JSON as it is, and an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def entries(value: Any) -> list[Mapping[str, Any]]:
    """Returns the objects in a list of JSON, and none for anything else."""
    listed = value[:MAX_ENTRIES] if isinstance(value, list) else []
    return [entry for entry in listed if isinstance(entry, Mapping)]


def text(value: Any, length: int = MAX_TEXT) -> str:
    """Returns a text that UTF-8 can hold, with marks for what it cannot, without the spaces around it and cut to a
    length; an empty one for anything else."""
    return encodable(value).strip()[:length] if isinstance(value, str) else ""


def file_name(value: Any) -> str:
    """Returns the name of a file that a client sent, or a name for one without."""
    return text(value, MAX_NAME) or "unnamed"


def check_path(path: str, refusal: type[LikenessError], called: str = "") -> None:
    """Raises a `refusal` for a text that no path and no address can be: with a NUL, or half of a character."""
    place = called or path[:MAX_SHOWN].replace("\0", "\\0")
    if "\0" in path:
        raise refusal("place_with_nul", place=place)
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise refusal("place_with_half", place=place) from None


def offset(value: Any) -> int:
    """Returns a whole number of at least 0, and 0 for anything else."""
    return max(0, min(value, 10**9)) if isinstance(value, int) and not isinstance(value, bool) else 0


def is_number(value: object) -> TypeGuard[float]:
    """Returns whether the value is a number, which True and False are not here; it may be infinite."""
    return isinstance(value, Real) and not isinstance(value, bool)


def number(value: Any, what: str) -> float:
    """Returns a finite number. Raises InvalidQuery, in which `what` names the value."""
    value = float(value) if isinstance(value, np.floating) else value
    if not is_number(value) or value != value:
        raise InvalidQuery("no_number", what=what, given=as_json(value))
    if abs(value) > sys.float_info.max:
        given = value if isinstance(value, int) else message("unwritten_number")
        raise InvalidQuery("number_too_large", what=what, given=given)
    return float(value)


def whole(value: Any, what: str) -> int:
    """Returns a whole number. Raises InvalidQuery, in which `what` names the value."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    checked = number(value, what)
    if not checked.is_integer():
        raise InvalidQuery("no_whole_number", what=what, given=as_json(value))
    return int(Decimal(repr(checked)))  # 1e30 as it was written, and not the nearest number that a float holds


def flag(value: Any, what: str) -> bool:
    """Returns True or False. Raises InvalidQuery, in which `what` names the value."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidQuery("no_flag", what=what, given=as_json(value))
    return bool(value)


def shown(value: object) -> str:
    """Returns a value as a Python program writes it, cut to one short line."""
    return " ".join(_SHORT.repr(value).split())[:MAX_SHOWN]


def as_json(value: object) -> str:
    """Returns a value as JSON writes it, cut to one short line."""
    return " ".join(_SHORT_JSON.repr(value).split())[:MAX_SHOWN]


def read_number(value: Any) -> Any:
    """Returns the finite number that a text says, as an address has it; anything else as it is."""
    try:
        found = (int if WHOLE.fullmatch(value) else float)(value) if isinstance(value, str) else value
    except ValueError:
        return value
    return found if not isinstance(found, float) or math.isfinite(found) else value


class _Short(Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60
        self.maxlist = self.maxtuple = self.maxset = self.maxdict = 3

    def repr_int(self, x: int, level: int) -> str:
        return super().repr_int(x, level) if x.bit_length() < MAX_BITS else rounded(x)


class _ShortJson(_Short):
    def repr_str(self, x: str, level: int) -> str:
        return json.dumps(x if len(x) <= self.maxstring else x[: self.maxstring] + "…", ensure_ascii=False)

    def repr_bool(self, x: bool, level: int) -> str:
        return json.dumps(x)

    def repr_NoneType(self, x: None, level: int) -> str:
        return json.dumps(x)

    def repr_tuple(self, x: tuple[object, ...], level: int) -> str:
        return self.repr_list(list(x), level)

    def repr_bytes(self, x: bytes, level: int) -> str:
        return f"{len(x)} bytes"

    def repr_instance(self, x: object, level: int) -> str:
        return str(x)[: self.maxother]


_SHORT = _Short()
_SHORT_JSON = _ShortJson()
