"""Reads what a Python program searches with: texts, files, pictures in memory and hits, each with a weight."""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeGuard

import numpy as np
from PIL import Image

from db.sources.files import read_query_picture
from library.errors import InvalidFilter, InvalidQuery
from library.messages import message
from library.messages.arguments import Arguments
from library.search.fields import FieldCatalogue
from library.search.filters import Draft, Filter, Match, as_match, parse_condition
from library.search.parts import LibraryPart, Part, PicturePart, TextPart, clean_text
from library.search.query import Query
from library.search.request import SearchRequest
from library.validation import is_number
from python_api.hits import Hit, Hits
from python_api.pixels import Pixels, png_bytes

QUERY = Arguments(InvalidQuery)
FILTER = Arguments(InvalidFilter)
ALLOWED = message("allowed_query")

logger = logging.getLogger(__name__)

One = str | os.PathLike[str] | bytes | Pixels | Hit | Part
Searchable = One | tuple[One, float] | Sequence[One | tuple[One, float]]
Where = str | Iterable[str] | Filter


def query_of(query: object, **settings: object) -> Query:
    """Returns the query without its filter; `settings` are those of a search request.

    Raises InvalidQuery or RejectedImage.
    """
    request = SearchRequest.parse(**settings)
    return replace(request.query(read_query_picture), parts=parts_of(query))


def parts_of(given: object) -> tuple[Part, ...]:
    """Returns the parts of the query, at least one. Raises InvalidQuery or RejectedImage."""
    if isinstance(given, str) and not clean_text(given):
        raise InvalidQuery("nothing_asked")
    if not isinstance(given, list | tuple | Hits) or _is_weighted(given):
        return (_part("query", given),)
    if not given:
        raise InvalidQuery("nothing_asked")
    return tuple(_part(f"query[{place}]", each) for place, each in enumerate(given))


def note_files(parts: Iterable[Part]) -> None:
    """Writes a warning to the log for each text that names a file: whoever gave it may have meant the picture."""
    for part in parts:
        if isinstance(part, TextPart) and Path(part.text).suffix and os.path.isfile(part.text):
            logger.warning("%s", message("text_names_file", text=repr(part.text)))


@dataclass(frozen=True)
class Conditions:
    """Holds a filter, or the conditions that become one by what the fields of the library hold."""

    filter: Filter | None
    drafts: Sequence[Draft]
    match: Match

    def typed(self, fields: FieldCatalogue) -> Filter | None:
        """Returns the filter; none without conditions. Raises InvalidFilter."""
        return self.filter or fields.typed(self.drafts, self.match)


def conditions_of(where: object, match: object) -> Conditions:
    """Returns what a search or a listing is narrowed down to. Raises InvalidFilter."""
    checked = as_match(match)
    return Conditions(where, (), checked) if isinstance(where, Filter) else Conditions(None, _drafts(where), checked)


def _drafts(where: object) -> list[Draft]:
    if isinstance(where, str):
        return [parse_condition(where, "where=")]
    if not isinstance(where, Iterable) or isinstance(where, Mapping):
        raise FILTER.impossible("where", where, message("allowed_conditions"))
    return [_draft(f"where[{place}]", each) for place, each in enumerate(where)]


def _draft(name: str, given: object) -> Draft:
    if not isinstance(given, str):
        raise FILTER.impossible(name, given, message("allowed_conditions"))
    return parse_condition(given, f"{name}=")


def _is_weighted(given: object) -> TypeGuard[tuple[object, float]]:
    return isinstance(given, tuple) and len(given) == 2 and is_number(given[1])


def _part(name: str, given: object) -> Part:
    if _is_weighted(given):
        return replace(_part(f"{name}[0]", given[0]), weight=given[1])
    match given:
        case TextPart() | PicturePart() | LibraryPart():
            return given
        case Hit():
            return LibraryPart(given.content_id)
        case str():
            return TextPart(given)
        case os.PathLike():
            path = QUERY.path(name, given, ALLOWED)
            return PicturePart(read_query_picture(path), name=Path(path).name)
        case bytes():
            return PicturePart(given)
        case Image.Image() | np.ndarray():
            return PicturePart(png_bytes(given))
    raise QUERY.impossible(name, given, ALLOWED)
