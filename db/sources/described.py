"""Turns what sidecars say into the values of fields that filters compare."""

import math
from collections.abc import Iterable, Mapping

from library.texts import encodable

Unread = list[str]  # the names of values that a sidecar has and that cannot be what they should
Fields = Mapping[str, str | int | float | None]  # None for what a sidecar could say and does not


def words(value: object) -> str | None:
    """Returns a text that can be kept; None for an empty one and for anything else."""
    if not isinstance(value, str):
        return None
    return encodable(value).replace("\0", "").strip() or None


def joined(values: Iterable[object]) -> str | None:
    """Returns the texts among the values, each once, with commas between."""
    return ", ".join(dict.fromkeys(text for value in values if (text := words(value)))) or None


def coordinates(latitude: object, longitude: object) -> tuple[float, float] | None:
    """Returns a place on earth; None for no numbers, and for 0, 0, which stands for an unknown one."""
    given = [each for each in (latitude, longitude) if isinstance(each, int | float) and math.isfinite(each)]
    if len(given) != 2 or given == [0, 0] or abs(given[0]) > 90 or abs(given[1]) > 180:
        return None
    return round(float(given[0]), 7), round(float(given[1]), 7)
