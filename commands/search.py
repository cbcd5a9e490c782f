"""Defines the command that searches: one query, a listing of what matches, or many queries at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from commands.exports import format_of, write_results
from commands.options import AsJson, Encoding, Model, of_search
from commands.output import echo
from commands.printing import clean_path, counted, note_none, print_answer, print_json, print_listing, print_notes
from commands.queries import parts_given
from commands.session import Session, exit_after, failures_as_exit_codes, interrupt, with_progress
from commands.terminal import placed, placed_file
from db.files.hit_files import hit_file
from db.sources.files import read_query_picture
from db.sources.tables.queries import queries_from
from library.errors import InvalidQuery
from library.exports.results import Result, results_of
from library.image_library import ImageLibrary
from library.search.batch import Queries
from library.search.filters import Draft, Filter, parse_condition
from library.search.query import MAX_LIMIT, ORDERS, SHORT_LIMIT, Query, needs_only_store
from library.search.request import SearchRequest
from library.texts import as_typed, shortened, without_controls

MOST_OF_A_QUERY = 100  # characters shown of a query among many

Texts = Annotated[
    list[str] | None,
    typer.Option("--text", help='A further text, with a weight if it has one: "people^-0.5". Repeatable.'),
]
Images = Annotated[
    list[str] | None,
    typer.Option(
        "--image",
        help="A picture that the results resemble, with weight and crop: a.jpg^0.7, a.jpg#0.1,0.2,0.5,0.5. Repeatable.",
    ),
]
Likes = Annotated[
    list[str] | None,
    typer.Option("--like", help="A picture of the library by its content ID, with ^ and # as well. Repeatable."),
]
TextColumn = Annotated[str | None, typer.Option(help="The table's column of texts.", show_default="text")]
ImageColumn = Annotated[
    str | None, typer.Option(help="The table's column of paths or addresses.", show_default="filepath")
]
Out = Annotated[
    Path | None, typer.Option(help="A .csv, .json or .zip (of originals); with --queries .csv, .jsonl or .parquet.")
]
Where = Annotated[
    list[str] | None,
    typer.Option(help='A condition: "width>=1000", "class=cat|dog", "width=100..200", "name^=IMG". Repeatable.'),
]
Explain = Annotated[bool, typer.Option("--explain", help="Prints a program that searches Milvus for the same.")]
MinScore = Annotated[float, of_search("--min-score", "Leaves out results below this score, -1 to 1.", "NUMBER")]
Limit = Annotated[int, of_search("--limit", f"How many results, 1 to {MAX_LIMIT}.")]
Nprobe = Annotated[int | None, of_search("--nprobe", "How many clusters to look into; chosen by itself if not given.")]


def search(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="What the picture shows.")] = None,
    texts: Texts = None,
    images: Images = None,
    likes: Likes = None,
    queries: Annotated[str | None, typer.Option(help="Many queries: a folder of pictures, or a table.")] = None,
    out: Out = None,
    text_column: TextColumn = None,
    image_column: ImageColumn = None,
    encoding: Encoding = "",
    limit: Limit = SHORT_LIMIT,
    nprobe: Nprobe = None,
    exact: Annotated[bool, typer.Option(help="Compares with every picture.")] = False,
    min_score: MinScore = -1.0,
    where: Where = None,
    match_any: Annotated[
        bool, typer.Option("--any", help="Takes pictures that match any of the conditions, not all of them.")
    ] = False,
    sort: Annotated[str, typer.Option(help=f"{', '.join(ORDERS)}.")] = "score",
    offset: Annotated[int, of_search("--offset", "Leaves out this number of the first results.")] = 0,
    explain: Explain = False,
    model: Model = "",
    as_json: AsJson = False,
) -> None:
    """Finds pictures by words and pictures, each with a weight. Without these, lists the newest pictures, or those that
    match the conditions. With --queries, answers many queries at once."""
    with failures_as_exit_codes():
        drafts = [parse_condition(as_typed(each)) for each in where or []]
        parts = parts_given(text, texts, images, likes)
        request = SearchRequest.parse(parts=parts, sort=sort, offset=offset, model=model)
        request = request.with_settings(limit=limit, nprobe=nprobe, exact=exact, min_score=min_score)
        query = request.query(read_query_picture)
        if queries is not None:
            file = _file_for_many(query, drafts, out)
            _search_many(context.obj, _many(queries, text_column, image_column, encoding), query, file, as_json)
        else:
            _check_one((text_column, image_column, encoding), out, explain)
            _check_any(query, text, drafts, explain)
            _search(context.obj, query, _Conditions(drafts, match_any), _Output(placed_file(out), explain, as_json))


@dataclass(frozen=True)
class _Conditions:
    """Holds the conditions as they were typed, and whether any of them is enough."""

    drafts: Sequence[Draft]
    match_any: bool

    def typed(self, library: ImageLibrary) -> Filter | None:
        return library.fields.typed(self.drafts, "any" if self.match_any else "all")


@dataclass(frozen=True)
class _Output:
    """Says where the results of one search go, and as what."""

    file: Path | None
    explain: bool
    as_json: bool


def _check_one(reading: Sequence[str | None], out: Path | None, explain: bool) -> None:
    """Raises InvalidQuery or InvalidSelection for options that do not go with one query."""
    if any(reading):
        raise InvalidQuery("columns_without_queries")
    if out and explain:
        raise InvalidQuery("explain_with_out")
    if out:
        format_of(out)


def _check_any(query: Query, text: str | None, drafts: Sequence[Draft], explain: bool) -> None:
    """Raises InvalidQuery for an empty text, as of a variable that is not set, and nothing else to go by."""
    says_nothing = text is not None and not drafts and query.order == "score"
    if not query.parts and (says_nothing or explain):
        raise InvalidQuery("nothing_asked")


def _search(session: Session, query: Query, conditions: _Conditions, output: _Output) -> None:
    needs_model = bool(query.parts or conditions.drafts) or not needs_only_store(None, query.order)
    others = [query.model] if query.model else []
    with session.library(with_model=needs_model, others=others, few_pictures=True) as library:
        query = replace(query, where=conditions.typed(library))
        if not query.parts:
            _list(library, query, output)
            return
        library.database.stored()  # a damaged index is told before the model is waited for
        library.calibrate(wait=True, model=query.model)
        answer = library.search(query)
        if not answer.hits:
            note_none(library.status(), query.offset)
        if output.file:
            write_results(library, results_of(answer), output.file, output.as_json)
            print_notes(answer)
            return
    print_answer(answer, output.explain, output.as_json)


def _list(library: ImageLibrary, query: Query, output: _Output) -> None:
    """Lists the newest pictures, or those that match, without any search."""
    listing = library.listed(query.where, query.order, query.offset, query.limit)
    if not listing.records:
        note_none(library.status(), query.offset)
    if output.file:
        write_results(library, [Result(record) for record in listing.records], output.file, output.as_json)
    else:
        print_listing(listing, output.as_json)


def _file_for_many(query: Query, drafts: Sequence[Draft], out: Path | None) -> Path:
    """Returns the file to write. Raises InvalidQuery for options that do not go with many queries."""
    if drafts or query.order != "score" or query.offset:
        raise InvalidQuery("options_with_queries")
    if query.parts:
        raise InvalidQuery("parts_with_queries")
    if out is None:
        raise InvalidQuery("queries_without_out")
    return Path(placed(str(out)))


def _many(queries: str, text_column: str | None, image_column: str | None, encoding: str) -> Queries:
    return queries_from(placed(queries), text_column, image_column, encoding)


def _search_many(session: Session, queries: Queries, like: Query, out: Path, as_json: bool) -> None:
    counts: Counter[str] = Counter()
    others = [like.model] if like.model else []
    with (
        hit_file(out) as write,
        session.library(others=others, encodes_pictures=True) as library,
        interrupt() as interrupted,
    ):
        library.database.stored()
        answers = library.searcher.search_many(queries.queries, like, interrupted.is_set)
        for answer in with_progress(answers, queries.total, "Searching"):
            write(answer)
            counts.update(queries=1, hits=len(answer.hits), rejected=int(answer.problem is not None))
            for note in filter(None, [*answer.notes, answer.problem]):
                echo(f"{shortened(without_controls(answer.name), MOST_OF_A_QUERY)}: {note}", err=True)
    if not counts["queries"] and not interrupted.is_set():
        raise InvalidQuery("no_queries")
    report = {name: counts[name] for name in ("queries", "hits", "rejected")}
    if as_json:
        print_json({"out": str(out), **report})
    else:
        found = f"{counted(counts['queries'], 'query', 'queries')}, {counted(counts['hits'], 'hit')}"
        echo(f"{clean_path(str(out))}: {found}, {counts['rejected']} rejected")
    exit_after(interrupted, bool(counts["rejected"]))
