"""Checks the conditions of a filter on what is known about a picture, and compares them with records."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, TypeVar, get_args

from library.errors import InvalidFilter
from library.messages import Message, message
from library.records import Record
from library.texts import holds_half
from library.times import iso_utc
from library.validation import shown

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "between", "one of", "starts with"]
ValueKind = Literal["text", "number", "true or false", "time"]
Match = Literal["all", "any"]
Value = str | int | float | bool
Bounds = tuple[Value, Value]  # of one kind
Ordered = TypeVar("Ordered", str, float)

ONLY_TEXT: tuple[ValueKind, ...] = ("text",)
OPERATORS: tuple[Operator, ...] = get_args(Operator)
MATCHES: tuple[Match, ...] = get_args(Match)
BUILT_IN: Mapping[str, ValueKind] = {
    "name": "text",
    "width": "number",
    "height": "number",
    "format": "text",
    "bytes": "number",
    "added": "time",
    "source": "text",
}
SHADOWED = "metadata."  # before a name of ours: the metadata of that name
KIND_NAMES: Mapping[ValueKind, Message] = {
    "text": Message("kind_text"),
    "number": Message("kind_number"),
    "true or false": Message("kind_boolean"),
    "time": Message("kind_time"),
}
MAX_CONDITIONS = 20
MAX_VALUES = 100
MAX_FIELD = 300
MAX_TEXT = 2_000
MAX_NUMBER = 2**53 - 1  # beyond it, whole numbers and those with a fraction are no longer told apart everywhere

SIGNS: Mapping[str, Operator] = {
    "!=": "!=",
    ">=": ">=",
    "<=": "<=",
    "^=": "starts with",
    "==": "=",
    "=": "=",
    ">": ">",
    "<": "<",
}
SEPARATORS: Mapping[str, Operator] = {"|": "one of", "..": "between"}
QUOTED = r'"(?:[^"\\]|\\.)*"'
CONDITION = re.compile(rf"\s*({QUOTED}|[^\"=!<>^]+?)\s*({'|'.join(map(re.escape, SIGNS))})\s*(.*?)\s*", re.DOTALL)
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)


@dataclass(frozen=True)
class Condition:
    """Compares one field with a value. `value` is a list for "between", which takes two, and for "one of".

    A field that a record lacks, or that is of another kind there, does not match, whatever the operator. Of `added`,
    a date stands for that whole day in UTC. Raises InvalidFilter.
    """

    field: str
    operator: Operator
    value: Value | Sequence[Value]

    def __post_init__(self) -> None:
        check_field(self.field)
        if not isinstance(self.operator, str) or self.operator not in OPERATORS:
            allowed = ", ".join(OPERATORS)
            raise InvalidFilter(
                "filter_operator", field=str(self.field), operator=repr(str(self.operator)[:40]), allowed=allowed
            )
        if isinstance(self.value, list):
            object.__setattr__(self, "value", tuple(self.value))
        self._check_count()
        for value in self.values:
            self._check(value)
        if self.operator == "between":
            self._check_order()

    @property
    def values(self) -> tuple[Value, ...]:
        """Returns the values that are compared with, one or many."""
        return self.value if isinstance(self.value, tuple) else (self.value,)

    def bounds(self) -> list[Bounds]:
        """Returns from where to where each value reaches, both included; two values of a "between" reach together."""
        reaches = [_span(value) if self._is_time else (value, value) for value in self.values]
        return [(reaches[0][0], reaches[1][1])] if self.operator == "between" else reaches

    def matches(self, record: Record) -> bool:
        """Returns whether a record meets the condition."""
        name = metadata_name(self.field)
        found = getattr(record, self.field) if name is None else record.metadata.get(name)
        if self.operator == "starts with":
            return isinstance(found, str) and found.startswith(str(self.values[0]))
        return any(_compares(found, self.operator, low, high) for low, high in self.bounds())

    @property
    def _is_time(self) -> bool:
        return self.field in BUILT_IN and BUILT_IN[self.field] == "time" and self.operator != "starts with"

    def _check_count(self) -> None:
        count = len(self.values)
        if self.operator == "between" and count != 2:
            raise InvalidFilter("filter_two_values", field=self.field)
        if self.operator == "one of" and not 1 <= count <= MAX_VALUES:
            raise InvalidFilter("filter_some_values", field=self.field, most=MAX_VALUES)
        if self.operator not in ("between", "one of") and isinstance(self.value, tuple):
            raise InvalidFilter("filter_one_value", field=self.field, operator=self.operator)

    def _check(self, value: object) -> None:
        if not isinstance(value, str | int | float):
            raise InvalidFilter("filter_value_type", field=self.field)
        if isinstance(value, str) and holds_half(value):
            raise InvalidFilter("filter_half_a_character", field=self.field)
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise InvalidFilter("filter_long_text", field=self.field, most=str(MAX_TEXT))
        if not isinstance(value, str) and not abs(value) <= MAX_NUMBER:
            raise InvalidFilter("filter_large_number", field=self.field, most=str(MAX_NUMBER))
        self._check_kind(value)

    def _check_kind(self, value: Value) -> None:
        """Checks that the operator, and the field where its kind is known, take a value of this kind."""
        kind = value_kind(value)
        if kind == "true or false" and self.operator not in ("=", "!=", "one of"):
            raise InvalidFilter("filter_true_or_false", field=self.field)
        if self.operator == "starts with" and kind != "text":
            raise InvalidFilter("filter_starts_with", field=self.field)
        wanted = BUILT_IN.get(self.field, kind)
        if self.operator == "starts with" and wanted == "number":
            raise InvalidFilter("filter_number_starts", field=self.field)
        if wanted == "time" and kind == "text":
            if self._is_time:
                _span(value)
        elif wanted and wanted != kind:
            raise InvalidFilter("filter_other_kind", field=self.field, kind=KIND_NAMES[wanted], value=repr(value))

    def _check_order(self) -> None:
        [(low, high)] = self.bounds()
        if not _compares(low, "<=", high, high):
            raise InvalidFilter("filter_two_of_a_kind", field=self.field)


@dataclass(frozen=True)
class Filter:
    """Joins conditions. Raises InvalidFilter where there is none, or more than a person would write."""

    conditions: Sequence[Condition]
    match: Match = "all"

    def __post_init__(self) -> None:
        if not isinstance(self.conditions, Sequence) or not all(
            isinstance(each, Condition) for each in self.conditions
        ):
            raise InvalidFilter("filter_no_list")
        object.__setattr__(self, "conditions", tuple(self.conditions))
        check_condition_count(len(self.conditions))
        as_match(self.match)

    def matches(self, record: Record) -> bool:
        """Returns whether a record meets all or any of the conditions, as `match` says."""
        met = (condition.matches(record) for condition in self.conditions)
        return all(met) if self.match == "all" else any(met)


def as_match(match: object) -> Match:
    """Checks how many of the conditions are to match. Raises InvalidFilter for anything but "all" and "any"."""
    for possible in MATCHES:
        if isinstance(match, str) and match == possible:
            return possible
    raise InvalidFilter("filter_match", match=shown(match))


def check_condition_count(conditions: int) -> None:
    """Raises InvalidFilter where there is no condition, or more than a person would write."""
    if not 1 <= conditions <= MAX_CONDITIONS:
        raise InvalidFilter("filter_size", most=MAX_CONDITIONS, conditions=conditions)


def check_field(name: object) -> None:
    """Raises InvalidFilter for what cannot be the name of a field in a filter."""
    if isinstance(name, str) and holds_half(name):  # Milvus takes none
        raise InvalidFilter("field_name_half", name=repr(name[:40]))
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_FIELD:
        raise InvalidFilter("field_name_length", most=MAX_FIELD, name=repr(str(name)[:40]))
    if "][" in name:  # a Milvus server crashes over such a name
        raise InvalidFilter("field_name_brackets", name=repr(name[:40]))


def metadata_name(field: str) -> str | None:
    """Returns which of the metadata the field is; None for a built-in field."""
    if field in BUILT_IN:
        return None
    rest = field.removeprefix(SHADOWED)
    return rest if rest in BUILT_IN else field


def value_kind(value: object) -> ValueKind | None:
    """Returns what kind of value it is; None for what no condition is about: lists, and values within values."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else None


@dataclass(frozen=True)
class Draft:
    """Holds a condition as a person has written it: what its values are depends on what the field holds."""

    field: str
    operator: Operator
    values: tuple[str, ...]
    quoted: frozenset[int] = frozenset()  # the places of those that are texts in any case

    def typed(self, kinds: Collection[ValueKind]) -> Condition:
        """Makes the condition. `kinds` are those that the field was seen with; none where that is not known. Raises
        InvalidFilter."""
        held: Collection[ValueKind] = ONLY_TEXT if self.operator == "starts with" else kinds
        values: list[Value] = [
            text if place in self.quoted else read_value(self.field, text, held)
            for place, text in enumerate(self.values)
        ]
        takes_list = self.operator in ("one of", "between") or len(values) != 1
        return Condition(self.field, self.operator, values if takes_list else values[0])


def parse_condition(text: str, option: str = "--where ") -> Draft:
    """Reads a condition as the command line has it; see docs/filters.md.

    Raises InvalidFilter, in which `option` says how a condition is passed.
    """
    found = CONDITION.fullmatch(text)
    parts = _parts(found[3]) if found else []
    separators = {part for part in parts if part in SEPARATORS}
    written = [part for part in parts if part not in SEPARATORS]
    operator = SIGNS[found[2]] if found else "="
    if not found or len(separators) > 1 or 2 * len(written) != len(parts) + 1 or (separators and operator != "="):
        raise InvalidFilter("condition_unreadable", text=repr(text[:80]), option=option)
    quoted = frozenset(place for place, part in enumerate(written) if part.startswith('"'))
    for separator in separators:
        operator = SEPARATORS[separator]
    return Draft(_unquoted(found[1]), operator, tuple(map(_unquoted, written)), quoted)


def read_value(field: str, text: str, kinds: Collection[ValueKind]) -> Value:
    """Returns the value that a person has typed, as the field holds such; text where nothing is known of it."""
    written = text.strip()
    if ("number" in kinds or not kinds) and NUMBER.fullmatch(written):
        whole = re.fullmatch(r"[+-]?[0-9]+", written)
        number = int(written) if whole and len(written) <= 20 else float(written)
        if not math.isfinite(number):
            raise InvalidFilter("filter_large_number", field=field, most=str(MAX_NUMBER))
        return number
    if ("true or false" in kinds or not kinds) and written.lower() in ("true", "false"):
        return written.lower() == "true"
    if not kinds or "text" in kinds or "time" in kinds:
        return text
    raise InvalidFilter("filter_unreadable_value", field=field, kind=_any_of(sorted(kinds)), text=repr(text[:40]))


def _any_of(kinds: Sequence[ValueKind]) -> Message:
    one, *others = kinds
    return message("kind_or", one=KIND_NAMES[one], other=_any_of(others)) if others else KIND_NAMES[one]


def _parts(text: str) -> list[str]:
    """Returns values and the separators between them, a quoted value with its quotes; at least one, perhaps empty."""
    parts = [part for part in re.split(rf"({QUOTED}|\||\.\.)", text) if part.strip()]
    return [part.strip() for part in parts] or [""]


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL) if text.startswith('"') else text


def _compares(found: object, operator: Operator, low: Value, high: Value) -> bool:
    if value_kind(found) != value_kind(low):
        return False
    match found, low, high:
        case str(), str(), str():
            return _meets(found, operator, low, high)
        case int() | float(), int() | float(), int() | float():
            return _meets(found, operator, low, high)
    return False


def _meets(found: Ordered, operator: Operator, low: Ordered, high: Ordered) -> bool:
    match operator:
        case "!=":
            return found < low or found > high
        case "<":
            return found < low
        case "<=":
            return found <= high
        case ">":
            return found > high
        case ">=":
            return found >= low
    return low <= found <= high


def _span(value: object) -> tuple[str, str]:
    """Returns the first and the last moment of it, written as `Record.added` is."""
    text = str(value).strip()
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, flags=re.ASCII):
            first = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            return _moment(first), _moment(first + timedelta(days=1, microseconds=-1))
        given = datetime.fromisoformat(text)
        moment = _moment(given.replace(tzinfo=given.tzinfo or UTC).astimezone(UTC))
    except (ValueError, OverflowError):
        raise InvalidFilter("filter_time", text=repr(text[:40])) from None
    return moment, moment


def _moment(moment: datetime) -> str:
    return iso_utc(moment, "microseconds")
