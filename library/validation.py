"""Checks what a client sent, which may be anything that JSON can say."""

import math
from collections.abc import Mapping
from typing import Any

from library.errors import InvalidQuery

MAX_TEXT = 2_000
MAX_NAME = 400
MAX_ENTRIES = 50_000


def mapping(value: Any) -> Mapping[str, Any]:
    """Returns an object of JSON as it is, and an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def entries(value: Any) -> list[Mapping[str, Any]]:
    """Returns the objects in a list of JSON, and none for anything else."""
    listed = value[:MAX_ENTRIES] if isinstance(value, list) else []
    return [entry for entry in listed if isinstance(entry, Mapping)]


def text(value: Any, length: int = MAX_TEXT) -> str:
    """Returns a text without the spaces around it, cut to a length; an empty one for anything else."""
    return value.strip()[:length] if isinstance(value, str) else ""


def file_name(value: Any) -> str:
    """Returns the name of a file that a client sent, or a name for one without."""
    return text(value, MAX_NAME) or "unnamed"


def offset(value: Any) -> int:
    """Returns a whole number of at least 0, and 0 for anything else."""
    return max(0, min(value, 10**9)) if isinstance(value, int) and not isinstance(value, bool) else 0


def number(value: Any, what: str) -> float:
    """Returns a finite number. Raises InvalidQuery, in which `what` names the value."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise InvalidQuery("no_number", what=what)
    return float(value)


def whole(value: Any, what: str) -> int:
    """Returns a whole number. Raises InvalidQuery, in which `what` names the value."""
    checked = number(value, what)
    if checked != int(checked):
        raise InvalidQuery("no_whole_number", what=what)
    return int(checked)


def read_number(value: Any) -> Any:
    """Returns the number that a text says, as an address has it; anything else as it is."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value
