"""Finds out what each column of a table holds by one cell after the other, so that no table has to lie in memory."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple, Optional, Protocol

from db.sources.tables.cells import DAY, MOMENT, SAFE_INTEGER, as_moment, plain

LONG = range(-(2**63), 2**63)


class Column(Protocol):
    """Takes note of all cells of a column, and turns each into its value after that."""

    def show(self, cell: Any) -> None:
        """Takes note of what a cell holds."""
        ...

    def value(self, cell: Any) -> Any:
        """Returns the value of a cell by what all of them hold; None for an empty one."""
        ...


class Kind(NamedTuple):
    """Says which texts are of a kind, how such a text is read, and what a column is that holds others, too."""

    fits: Callable[[str], bool]
    read: Callable[[str], Any]
    wider: Optional["Kind"] = None


class TextColumn:
    """Holds texts that are all whole numbers, numbers, true and false, or days and times; or else texts.

    A number counts as one where it is written as it would be read back: 007, 1.10, 1E5 and long ids stay texts.
    """

    def __init__(self) -> None:
        self._kind: Kind | None = None

    def show(self, cell: str) -> None:
        if not cell:
            return
        kind = self._kind or next(kind for kind in KINDS if kind.fits(cell))
        while kind.wider and not kind.fits(cell):
            kind = kind.wider
        self._kind = kind

    def value(self, cell: str) -> Any:
        """Returns the value; the text itself where it fits no more, since the file was changed meanwhile."""
        if not cell or self._kind is None:
            return cell or None
        try:
            return self._kind.read(cell)
        except ValueError:
            return cell


class ValueColumn:
    """Holds values, which become plain ones: dates in UTC where all are dates, texts where whole numbers are long."""

    def __init__(self) -> None:
        self._are_moments = True
        self._has_long_ids = False

    def show(self, cell: Any) -> None:
        if _is_whole(cell):
            self._are_moments = False
            self._has_long_ids = self._has_long_ids or _is_long_id(cell)
        elif self._are_moments and (value := plain(cell)) is not None:
            self._are_moments = isinstance(value, str) and _is_moment(value)

    def value(self, cell: Any) -> Any:
        value = plain(cell)
        if self._are_moments and isinstance(value, str):
            return as_moment(value) or value
        return str(value) if self._has_long_ids and _is_whole(value) and value in LONG else value


def value_of(cell: Any) -> Any:
    """Returns the value of a cell that is taken for a column of its own."""
    column = ValueColumn()
    column.show(cell)
    return column.value(cell)


def _is_long_id(value: int) -> bool:
    """Returns whether it is a whole number that Milvus keeps, and that readers of JSON and filters would round."""
    return value in LONG and abs(value) > SAFE_INTEGER


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_integer(text: str) -> bool:
    return (
        bool(re.fullmatch(r"-?\d{1,16}", text, re.ASCII)) and str(int(text)) == text and abs(int(text)) <= SAFE_INTEGER
    )


def _is_number(text: str) -> bool:
    is_written = re.fullmatch(r"-?\d+\.\d+(e[+-]\d+)?", text, re.ASCII)
    return bool(is_written and repr(float(text)) == text) or _is_integer(text)


def _is_truth(text: str) -> bool:
    return text.lower() in ("true", "false")


def _is_moment(text: str) -> bool:
    return bool(MOMENT.fullmatch(text) or DAY.fullmatch(text))


TEXT = Kind(lambda text: True, str)
NUMBER = Kind(_is_number, float, TEXT)
KINDS = (
    Kind(_is_integer, int, NUMBER),
    NUMBER,
    Kind(_is_truth, lambda text: text.lower() == "true", TEXT),
    Kind(_is_moment, lambda text: as_moment(text) or text, TEXT),
    TEXT,
)
