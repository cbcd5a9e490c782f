"""A filter as a Milvus expression: the only place where values become one."""

import json

from db.milvus.schema import METADATA
from library.search.filters import Bounds, Condition, Filter, Value, metadata_name

LAST_CHARACTER = "\U0010ffff"


def expression(where: Filter, is_lite: bool) -> str:
    """Matches every record that the filter does, and no others.

    But Lite takes true for 1 and false for 0: what it answers has to be looked at with `Filter.matches`.
    """
    joint = " and " if where.match == "all" else " or "
    return joint.join(f"({_condition(condition, is_lite)})" for condition in where.conditions)


def has_field(name: str, is_lite: bool) -> str:
    return f"exists {METADATA}[{_text(name, is_lite)}]"


def _condition(condition: Condition, is_lite: bool) -> str:
    name = metadata_name(condition.field)
    field = condition.field if name is None else f"{METADATA}[{_text(name, is_lite)}]"
    if condition.operator == "starts with":
        return _starts_with(field, str(condition.values[0]), is_lite)
    return " or ".join(_compared(field, condition.operator, bounds, is_lite) for bounds in condition.bounds())


def _compared(field: str, operator: str, bounds: Bounds, is_lite: bool) -> str:
    low, high = (_literal(value, is_lite) for value in bounds)
    match operator:
        case "!=":
            # Not with "!=", which a server finds true of a field that is missing or of another kind.
            if isinstance(bounds[0], bool):
                return f"{field} == {_literal(not bounds[0], is_lite)}"
            return f"({field} < {low} or {field} > {high})"
        case "<" | ">=":
            return f"{field} {operator} {low}"
        case "<=" | ">":
            return f"{field} {operator} {high}"
    return f"{field} == {low}" if low == high else f"({field} >= {low} and {field} <= {high})"


def _starts_with(field: str, start: str, is_lite: bool) -> str:
    """Not with "like", whose % and _ cannot be escaped on either."""
    lowest = f"{field} >= {_text(start, is_lite)}"
    after = _next_text(start)
    return f"({lowest} and {field} < {_text(after, is_lite)})" if after else lowest


def _next_text(start: str) -> str:
    """The first text behind all those that start so; empty where there is none."""
    rest = start.rstrip(LAST_CHARACTER)
    if not rest:
        return ""
    following = ord(rest[-1]) + 1
    return rest[:-1] + chr(0xE000 if following == 0xD800 else following)


def _literal(value: Value, is_lite: bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(value, is_lite) if isinstance(value, str) else repr(value)


def _text(text: str, is_lite: bool) -> str:
    if is_lite:  # knows no \u, and takes control characters as they are
        escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
        return f'"{escaped}"'
    return json.dumps(text, ensure_ascii=False)
