"""Writes moments as the library keeps them: in UTC, by ISO 8601, with a Z."""

from datetime import UTC, datetime
from typing import Literal

Precision = Literal["auto", "seconds", "microseconds"]


def iso_utc(moment: datetime, precision: Precision = "auto") -> str:
    """Returns a moment as text. Raises OverflowError for one that UTC moves out of the calendar."""
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def iso_now(precision: Precision = "microseconds") -> str:
    """Returns the present moment as text."""
    return iso_utc(datetime.now(UTC), precision)
