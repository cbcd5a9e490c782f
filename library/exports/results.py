"""Writes results as files: CSV, JSON, or a zip of the originals."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from library.errors import InvalidSelection
from library.exports.archive import zipped
from library.images import ContentId
from library.messages import ENGLISH
from library.records import Record
from library.search.filters import SHADOWED
from library.search.query import Answer
from library.search.relevance import Words
from library.texts import ESCAPING

ExportFormat = Literal["csv", "json", "zip"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)

MOST_RESULTS = 2_000
MOST_BYTES = 4_000_000_000  # of originals in one zip
MOST_COLUMNS = 100  # of metadata; more share one

Row = dict[str, Any]
COLUMNS = (
    *("rank", "content_id", "name", "score", "distance", "relevance"),
    *("width", "height", "format", "added", "source"),
)
METADATA = "metadata"
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # what spreadsheets take for the beginning of a formula


@dataclass(frozen=True)
class Result:
    """Holds a picture as an answer showed it; without rank, score and relevance where nothing was searched for."""

    record: Record
    rank: int | None = None
    score: float | None = None
    relevance: Words | None = None


def results_of(answer: Answer) -> list[Result]:
    """Returns the hits of an answer with their ranks."""
    found = []
    for hit in answer.hits:
        relevance = answer.relevance.get(hit.record.content_id)
        found.append(Result(hit.record, hit.rank, hit.score, relevance.words if relevance else None))
    return found


def check_size(results: Sequence[Result], kind: ExportFormat) -> None:
    """Raises InvalidSelection for more pictures, or bytes of originals, than fit in one file."""
    check_number(len(results))
    size = sum(result.record.bytes for result in results)
    if kind == "zip" and size > MOST_BYTES:
        raise InvalidSelection("zip_too_large", size=f"{size / 1e9:,.1f}", most=MOST_BYTES / 1e9)


def check_number(count: int) -> None:
    """Raises InvalidSelection for more pictures than are possible at once."""
    if count > MOST_RESULTS:
        raise InvalidSelection("too_many_chosen", chosen=count, most=MOST_RESULTS)


def written(
    kind: ExportFormat,
    results: Sequence[Result],
    original: Callable[[ContentId], bytes],
    gone: Sequence[ContentId] = (),
    language: str = ENGLISH,
) -> Iterator[bytes]:
    """Yields the file, piece by piece. `gone` were chosen too but are no longer in the library, as only a zip tells,
    in that language.

    Raises what `original` raises but OriginalAway and UnknownPicture, which a zip tells as well.
    """
    if kind == "zip":
        return zipped([result.record for result in results], original, gone, language)
    lines = _csv(results) if kind == "csv" else _json(results)
    return (line.encode("utf-8", ESCAPING) for line in lines)


def as_row(result: Result) -> Row:
    """Returns the columns of a result; its metadata are still a mapping."""
    record = result.record
    return {
        "rank": result.rank,
        "content_id": record.content_id,
        "name": record.name,
        **scored(result.score),
        "relevance": result.relevance,
        "width": record.width,
        "height": record.height,
        "format": record.format,
        "added": record.added,
        "source": record.source,
        METADATA: dict(record.metadata),
    }


def scored(score: float | None) -> Row:
    """Returns a score as every file has it."""
    rounded = None if score is None else round(score, 6)
    return {"score": rounded, "distance": None if rounded is None else round(1 - rounded, 6)}


def without_formula(cell: object) -> object:
    """Returns a text with an apostrophe before it where a spreadsheet would run it as a formula."""
    is_formula = isinstance(cell, str) and cell.startswith(FORMULA) and not NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def _csv(results: Sequence[Result]) -> Iterator[str]:
    rows = [as_row(result) for result in results]
    names = list(dict.fromkeys(name for row in rows for name in row[METADATA]))
    has_own = len(names) <= MOST_COLUMNS
    headings = [SHADOWED + name if name in COLUMNS else name for name in names] if has_own else [METADATA]
    write = csv.writer(_Echo()).writerow
    yield write([*COLUMNS, *map(without_formula, headings)])
    for row in rows:
        own = [_cell(row[METADATA], name) for name in names] if has_own else [_text(row[METADATA])]
        yield write([without_formula(cell) for cell in (*(row[name] for name in COLUMNS), *own)])


def _json(results: Sequence[Result]) -> Iterator[str]:
    separator = "[\n"
    for result in results:
        yield separator + json.dumps(as_row(result), ensure_ascii=False)
        separator = ",\n"
    yield "\n]\n" if results else "[]\n"


def _cell(metadata: Mapping[str, object], name: str) -> object:
    value = metadata.get(name)
    return value if isinstance(value, str | int | float | type(None)) else _text(value)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


class _Echo:
    """Gives back each line that it is told to write."""

    def write(self, line: str) -> str:
        return line
