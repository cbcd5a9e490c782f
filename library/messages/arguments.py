"""Checks what a program has passed: a bad argument becomes an error whose sentence names it and what is allowed."""

import math
import operator
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from library.errors import InvalidArgument, LikenessError
from library.messages import Message, message
from library.validation import check_path, is_number, shown

Choice = TypeVar("Choice", bound=str)


@dataclass(frozen=True)
class Arguments:
    """Checks the arguments of a call and returns them. Methods raise an error of `kind` for a bad one."""

    kind: type[LikenessError]

    def impossible(self, name: str, value: object, allowed: Message) -> LikenessError:
        """Returns the error that names the argument, its value and what is allowed."""
        return self.kind("argument_impossible", given=f"{name}={shown(value)}", allowed=allowed)

    def flag(self, name: str, value: object) -> bool:
        """Returns True or False."""
        if not isinstance(value, bool | np.bool_):
            raise self.impossible(name, value, message("allowed_flag"))
        return bool(value)

    def text(self, name: str, value: object) -> str:
        """Returns a text, which may be empty."""
        if not isinstance(value, str):
            raise self.impossible(name, value, message("kind_text"))
        return value

    def choice(self, name: str, value: object, choices: Sequence[Choice]) -> Choice:
        """Returns the choice that the text names."""
        for each in choices:
            if isinstance(value, str) and value == each:
                return each
        raise self.impossible(name, value, message("allowed_choice", choices=", ".join(map(repr, choices))))

    def whole(self, name: str, value: object, least: int | None = None, most: int | None = None) -> int:
        """Returns a whole number of at least `least` and at most `most`, where these are given."""
        if is_number(value) and hasattr(value, "__index__"):
            number = operator.index(value)
            if (least is None or least <= number) and (most is None or number <= most):
                return number
        raise self.impossible(name, value, _whole_within(least, most))

    def number(self, name: str, value: object, least: float, most: float) -> float:
        """Returns a number from `least` to `most`, as a float."""
        if is_number(value) and least <= value <= most:
            return float(value)
        raise self.impossible(name, value, message("allowed_number", least=least, most=most))

    def finite(self, name: str, value: object) -> float:
        """Returns any finite number, as a float."""
        if not is_number(value):
            raise self.impossible(name, value, message("allowed_any_number"))
        if not math.isfinite(value):
            raise self.impossible(name, value, message("allowed_finite_number"))
        return float(value)

    def path(self, name: str, value: object, allowed: Message) -> str:
        """Returns a path or a URL as text. Refuses an empty text, and the home folder of an unknown user."""
        place = os.fspath(value) if isinstance(value, str | os.PathLike) else None
        if not isinstance(place, str) or not place.strip():
            raise self.impossible(name, value, allowed)
        check_path(place, self.kind, f"{name}={shown(value)}")
        if not _has_home(place):
            raise self.impossible(name, value, allowed)
        return place


ARGUMENTS = Arguments(InvalidArgument)


def _whole_within(least: int | None, most: int | None) -> Message:
    if least is None:
        return message("allowed_whole")
    if most is None:
        return message("allowed_from", least=str(least))
    return message("allowed_between", least=str(least), most=str(most))


def _has_home(place: str) -> bool:
    try:
        Path(place).expanduser()
    except RuntimeError:
        return False
    return True
