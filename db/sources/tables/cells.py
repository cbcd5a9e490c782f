"""Turns the cells of tables into plain values: texts, numbers, booleans, and dates as ISO 8601 in UTC."""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from library.errors import RejectedImage
from library.ingest.record_limits import MAX_DEPTH, check_value
from library.times import iso_utc

SAFE_INTEGER = 2**53 - 1  # beyond it, browsers and other readers of JSON round
LEFT_OUT = object()  # stands for bytes within a value
DAY = re.compile(r"\d{4}-\d\d-\d\d")
MOMENT = re.compile(rf"{DAY.pattern}[T ]\d\d:\d\d(:\d\d(\.\d{{1,9}})?)?( ?(Z|UTC|[+-]\d\d(:?\d\d)?))?")


def plain(value: Any) -> Any:
    """Returns a value that JSON has: decimals and durations (in seconds) as numbers, lists and objects as JSON text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return None if math.isnan(value) else value
        case Decimal():
            return _number(value)
        case timedelta():
            return _number(Decimal(str(value.total_seconds())))
        case datetime():
            return _moment(value)
        case date() | time():
            return value.isoformat()
        case bytes():
            return None
        case Mapping() | list() | tuple():
            return _as_text(value)
        case _:  # such as a UUID
            return str(value)


def _as_text(value: Any) -> Any:
    try:
        nested = _nested(value)
    except RecursionError:
        return value  # the check of its record refuses it with the reason
    if nested is LEFT_OUT:
        return None
    try:
        check_value(nested, "")
    except RejectedImage:
        return nested  # which that refuses, too
    return json.dumps(nested, ensure_ascii=False)


def _nested(value: Any, depth: int = 1) -> Any:
    """Returns the value with plain ones inside and without bytes, of which the table tells; LEFT_OUT where nothing else
    is in it. Raises RecursionError for what is nested deeper than is kept."""
    if depth > MAX_DEPTH:
        raise RecursionError
    match value:
        case Mapping():
            inside = {str(name): _nested(each, depth + 1) for name, each in value.items()}
            kept = {name: each for name, each in inside.items() if each is not LEFT_OUT}
            return kept if kept or not inside else LEFT_OUT
        case list() | tuple():
            listed = [_nested(each, depth + 1) for each in value]
            return LEFT_OUT if any(each is LEFT_OUT for each in listed) else listed  # as all in it are of one type
        case bytes():
            return LEFT_OUT
        case _:
            return plain(value)


def _number(value: Decimal) -> int | float | str | None:
    if not value.is_finite():
        return None
    if value == value.to_integral_value() and abs(value) <= SAFE_INTEGER:
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else str(value)


def as_moment(text: str) -> str | None:
    """Returns a day or a time as ISO 8601 in UTC; None for what is neither, and for a day that no calendar has."""
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text).isoformat()
        if not MOMENT.fullmatch(text):
            return None
        return _moment(datetime.fromisoformat(re.sub(r" ?(UTC|Z)$", "+00:00", text)))
    except ValueError:
        return None


def _moment(value: datetime) -> str:
    """Returns a time in UTC; one without a zone counts as UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        return iso_utc(aware)
    except OverflowError:  # in the first or the last year of the calendar
        return aware.isoformat()
