"""What a client sent, checked: it may be anything that JSON can say."""

import math
from collections.abc import Mapping
from typing import Any

from library.errors import InvalidQuery

MAX_TEXT = 2_000
MAX_NAME = 400
MAX_ENTRIES = 50_000


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def entries(value: Any) -> list[Mapping[str, Any]]:
    listed = value[:MAX_ENTRIES] if isinstance(value, list) else []
    return [entry for entry in listed if isinstance(entry, Mapping)]


def text(value: Any, length: int = MAX_TEXT) -> str:
    return value.strip()[:length] if isinstance(value, str) else ""


def file_name(value: Any) -> str:
    return text(value, MAX_NAME) or "unnamed"


def offset(value: Any) -> int:
    return max(0, min(value, 10**9)) if isinstance(value, int) and not isinstance(value, bool) else 0


def number(value: Any, what: str) -> float:
    """Raises InvalidQuery."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise InvalidQuery("no_number", what=what)
    return float(value)


def whole(value: Any, what: str) -> int:
    """Raises InvalidQuery."""
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
