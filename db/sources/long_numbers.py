"""Reads JSON whose whole numbers may have more digits than Python reads."""

import json
from typing import Any

MOST_DIGITS = 4_000
HUGE = 10**305  # stands for any of more digits: beyond every number that is kept here, and still a float


def loads(text: str | bytes) -> Any:
    """Returns what the JSON holds. Raises ValueError for what is none, and RecursionError."""
    try:
        return json.loads(text)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except ValueError:  # Python's bound on digits
        return json.loads(text, parse_int=_whole)


def _whole(digits: str) -> int:
    return int(digits) if len(digits) < MOST_DIGITS else HUGE * (-1 if digits.startswith("-") else 1)
