"""Turns what sidecars say into the values of fields that filters compare."""

import math
from collections.abc import Iterable, Mapping
from typing import TypeGuard

from library.texts import encodable, holds_half

Fields = Mapping[str, str | int | float | None]  # None for what a sidecar could say and does not


class Unread(list[str]):
    """Lists the fields of a sidecar whose values were left out, in `repaired` those whose characters were replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.repaired: list[str] = []


def is_repaired(value: object) -> bool:
    """Returns whether `words` has to change a text so that it can be kept."""
    return isinstance(value, str) and (holds_half(value) or "\0" in value)


def words(value: object) -> str | None:
    """Returns a text that can be kept; None for an empty one and for anything else."""
    if not isinstance(value, str):
        return None
    return encodable(value).replace("\0", "").strip() or None


def joined(values: Iterable[object]) -> str | None:
    """Returns the texts among the values, each once, with commas between."""
    return ", ".join(dict.fromkeys(text for value in values if (text := words(value)))) or None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def coordinates(latitude: object, longitude: object) -> tuple[float, float] | None:
    """Returns a place on earth; None for no numbers, and for 0, 0, which stands for an unknown one."""
    given = [each for each in (latitude, longitude) if _is_number(each) and math.isfinite(each)]
    if len(given) != 2 or given == [0, 0] or abs(given[0]) > 90 or abs(given[1]) > 180:
        return None
    return round(float(given[0]), 7), round(float(given[1]), 7)
