"""Filters as clients send them, and as the page and the address bar show them."""

import json
from typing import Any

from library import validation
from library.errors import InvalidFilter
from library.search.filters import Condition, Draft, Filter, Match

MAX_ROWS = 100  # more than a filter takes, which then says so


def filter_of(where: Any, match: Any = "all") -> Filter | None:
    """From a list of field, operator and value, as JSON has them. Raises InvalidFilter."""
    if not where:
        return None
    entries = validation.entries(where)[:MAX_ROWS] if isinstance(where, list) else []
    if not entries or len(entries) != len(where):
        raise InvalidFilter('A filter is a list, such as [{"field": "width", "operator": ">=", "value": 1000}].')
    conditions = [Condition(_of(entry, "field"), _of(entry, "operator"), _of(entry, "value")) for entry in entries]
    return Filter(conditions, match or "all")


def from_address(where: Any) -> Any:
    """The address bar holds JSON."""
    try:
        return json.loads(where) if isinstance(where, str) and where else where
    except ValueError:
        raise InvalidFilter("The filter in this address cannot be read; remove it and add its conditions.") from None


def drafts_of(rows: Any) -> list[Draft]:
    """From rows whose values are texts, as a person has typed them. A row without a value is none yet."""
    drafts = []
    for row in validation.entries(rows)[:MAX_ROWS]:
        typed = row.get("value")
        values = tuple(str(each) for each in (typed if isinstance(typed, list) else [typed]) if str(each).strip())
        if values:
            drafts.append(Draft(validation.text(row.get("field")), row.get("operator", "="), values))
    return drafts


def match_of(match: Any) -> Match:
    return "any" if match == "any" else "all"


def shown(where: Filter | None) -> dict[str, Any]:
    conditions = where.conditions if where else ()
    return {
        "where": [{"field": each.field, "operator": each.operator, "value": each.value} for each in conditions],
        "match": where.match if where else "all",
    }


def _of(entry: Any, name: str) -> Any:
    if name not in entry:
        raise InvalidFilter(f"A condition of a filter has a field, an operator and a value: {name} is missing.")
    return entry[name]
