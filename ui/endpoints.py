"""Holds what the HTTP API and the MCP tools have in common: how they are described, and what a search finds."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import gradio as gr

from library.errors import LikenessError
from library.image_library import ImageLibrary
from library.records import Record
from library.search.query import MAX_LIMIT, Query
from library.search.relevance import Relevance

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

NO_PARTS: list[dict[str, Any]] = []  # what an endpoint is called without
CONDITIONS = (
    "conditions, each with a field, an operator (=, !=, <, <=, >, >=, between, one of, starts with) and a value, a list"
    " for between and one of; fields are name, width, height, format, bytes, added, source, and those of the metadata"
)
WEIGHTS = (
    'each with its "weight" if that is not 1, negative for what is to be left out, and pictures with a "crop" if only a'
    " part of them counts: left, top, width and height as fractions"
)
SEARCH_ARGUMENTS = {
    "text": "what the picture shows, in words",
    "limit": f"how many pictures, 1 to {MAX_LIMIT}",
    "min_score": "leave out pictures with a lower cosine similarity, -1 to 1",
    "where": CONDITIONS,
    "match": "all or any of the conditions",
    "sort": "score, name, added (newest first) or size (largest first)",
    "offset": "how many of the first results are left out",
    "nprobe": "how many clusters of the index are searched; leave it out to let the collection choose",
    "exact": "compare with every picture instead of using the index",
    "model": "one of the models on offer by its name, in place of the one that answers",
}


def described(summary: str, returns: str, arguments: Mapping[str, str] | None = None) -> Callable[[F], F]:
    """Gives an endpoint the description that clients read.

    Gradio takes it from the docstring, of which it reads one line for each argument.
    """
    given = [f"    {name}: {text}" for name, text in (arguments or {}).items()]
    docstring = "\n".join([summary, "", *(["Args:", *given] if given else []), "Returns:", f"    {returns}"])

    def describe(endpoint: F) -> F:
        endpoint.__doc__ = docstring
        return endpoint

    return describe


def answered(work: Callable[[], T]) -> T:
    """Returns the result of the work; a program is told what it can act on.

    Bugs are logged where calls are watched, in ui/queueing.py.
    """
    try:
        return work()
    except LikenessError as error:
        raise gr.Error(str(error), print_exception=False) from None


class FoundPicture(NamedTuple):
    """Holds one picture that an endpoint returns; without a search it has no score."""

    record: Record
    score: float | None = None
    relevance: Relevance | None = None


def find_pictures(library: ImageLibrary, query: Query) -> list[FoundPicture]:
    """Returns what a search finds; where only a filter or an order is given, the pictures that match."""
    if query.only_lists:
        listing = library.listed(query.where, query.order, query.offset, query.limit)
        return [FoundPicture(record) for record in listing.records]
    answer = library.search(query)
    return [FoundPicture(hit.record, hit.score, answer.relevance.get(hit.record.content_id)) for hit in answer.hits]
