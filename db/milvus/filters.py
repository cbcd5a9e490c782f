"""Turns a filter into a Milvus expression, the only place where values become part of one."""

import math
from collections.abc import Callable

from db.milvus.schema import METADATA, NUMBERS
from library.search.filters import Bounds, Condition, Filter, Value, metadata_name

Quote = Callable[[str], str]  # a text as a literal; see `Backend.quote`

LAST_CHARACTER = "\U0010ffff"


def expression(where: Filter, quote: Quote) -> str:
    """Returns an expression that matches every record that the filter does, and no others.

    But Lite takes true for 1 and false for 0: what it answers has to be looked at with `Filter.matches`.
    """
    joint = " and " if where.match == "all" else " or "
    return joint.join(f"({_condition(condition, quote)})" for condition in where.conditions)


def has_field(name: str, quote: Quote) -> str:
    """Returns the expression that a row meets where its metadata have the field."""
    return f"exists {METADATA}[{quote(name)}]"


def _condition(condition: Condition, quote: Quote) -> str:
    name = metadata_name(condition.field)
    field = condition.field if name is None else f"{METADATA}[{quote(name)}]"
    if condition.operator == "starts with":
        return _starts_with(field, str(condition.values[0]), quote)
    return " or ".join(_compared(field, condition.operator, bounds, quote) for bounds in condition.bounds())


def _compared(field: str, operator: str, bounds: Bounds, quote: Quote) -> str:
    lowest, highest = _whole(bounds) if field in NUMBERS else bounds
    low, high = _literal(lowest, quote), _literal(highest, quote)
    match operator:
        case "!=":
            # Not with "!=", which a server finds true of a field that is missing or of another kind.
            if isinstance(bounds[0], bool):
                return f"{field} == {_literal(not bounds[0], quote)}"
            return f"({field} < {low} or {field} > {high})"
        case "<" | ">=":
            return f"{field} {operator} {low}"
        case "<=" | ">":
            return f"{field} {operator} {high}"
    return f"{field} == {low}" if low == high else f"({field} >= {low} and {field} <= {high})"


def _whole(bounds: Bounds) -> Bounds:
    """Returns bounds for a field of whole numbers, which may not be compared with others."""
    low, high = bounds
    return (low if isinstance(low, str) else math.ceil(low), high if isinstance(high, str) else math.floor(high))


def _starts_with(field: str, start: str, quote: Quote) -> str:
    """Compares without "like", whose % and _ cannot be escaped on either."""
    lowest = f"{field} >= {quote(start)}"
    after = _next_text(start)
    return f"({lowest} and {field} < {quote(after)})" if after else lowest


def _next_text(start: str) -> str:
    """Returns the first text behind all those that start so; empty where there is none."""
    rest = start.rstrip(LAST_CHARACTER)
    if not rest:
        return ""
    following = ord(rest[-1]) + 1
    return rest[:-1] + chr(0xE000 if following == 0xD800 else following)


def _literal(value: Value, quote: Quote) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return quote(value) if isinstance(value, str) else repr(value)
