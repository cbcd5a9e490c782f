"""Reads the address bar and the links of the page as the plain values of a search request."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from library import validation
from library.errors import InvalidFilter
from ui.views import Json

MAX_ADDRESS = 100_000
SETTINGS = ("limit", "nprobe", "min_score", "exact", "offset")


def pairs_of(given: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Returns what an address as the browser shows it holds, or a button that names a text or a picture."""
    address = given.get("address")
    if isinstance(address, str) and address.strip():
        return parse_qsl(address.strip()[:MAX_ADDRESS].removeprefix("?"), keep_blank_values=True)
    return [(name, given.get(name)) for name in ("q", "like")]


def parts_in(pairs: Iterable[tuple[str, Any]]) -> list[Json]:
    """Returns the parts in `q=beach&q=people&w=-0.5&like=…&crop=0,0,0.5,1`.

    A weight and a crop belong to the part that stands before them.
    """
    entries: list[Json] = []
    for name, value in pairs:
        if name in ("q", "like") and validation.text(value):
            entries.append({"text" if name == "q" else "content_id": value})
        elif name == "w" and entries:
            entries[-1]["weight"] = validation.read_number(value)
        elif name == "crop" and entries:
            entries[-1]["crop"] = value.split(",")
    return entries


def settings_in(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Returns the numbers of `limit=12&nprobe=8&min_score=0.2&exact=true&offset=24`, whichever are there; unchecked."""
    found = {name: validation.read_number(value) for name, value in pairs if name in SETTINGS and value}
    return found | ({"exact": str(found["exact"]).lower() in ("true", "1")} if "exact" in found else {})


def filter_in(where: Any) -> Any:
    """Returns the conditions of a filter, which an address holds as JSON. Raises InvalidFilter."""
    if not isinstance(where, str) or not where:
        return where
    try:
        found = json.loads(where)
    except RecursionError:
        raise InvalidFilter("filter_too_deep") from None
    except ValueError:
        raise InvalidFilter("filter_in_address") from None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise InvalidFilter("filter_in_address")
    return found
