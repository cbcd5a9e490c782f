"""The command line: arguments in, library calls, lines or JSON out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from commands.collections import collections, drop
from commands.duplicates import duplicates
from commands.evaluation import evaluate, tune
from commands.exports import kind_of, write_results
from commands.printing import (
    note_none,
    print_answer,
    print_imported,
    print_json,
    print_listing,
    print_notes,
    print_packed,
    print_receipts,
    print_rejected,
    print_round,
    print_round_as_json,
    print_table,
    printable,
)
from commands.queries import parts_given
from commands.session import (
    EXIT_INTERRUPTED,
    EXIT_UNAVAILABLE,
    AsJson,
    Session,
    exit_after,
    fail,
    failures_as_exit_codes,
    interrupt,
    last_part,
    read_settings,
    with_progress,
)
from library.errors import (
    InvalidQuery,
    InvalidSelection,
)
from library.exports.results import Result, results_of
from library.images import parse_content_id
from library.ingest.batch import BATCH_SIZE
from library.ingest.items import Item
from library.ingest.packs import Contents, Packed
from library.ingest.receipt_file import Write, receipt_file
from library.ingest.receipts import FileReceipt, tally
from library.ingest.selection import Selection, Shard
from library.ingest.storing import Near, as_near
from library.ingest.watch import WatchConfig, parse_interval
from library.ports import IndexStatus
from library.samples.pictures import sample_items
from library.search.batch import Queries
from library.search.filters import parse_condition
from library.search.query import MAX_LIMIT, ORDERS, Query, as_order
from settings import version

EVERY = "5s"

commands = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=False)


Every = Annotated[str, typer.Option(help="How often a source is listed: 5s, 2m, 500ms.")]
Model = Annotated[str, typer.Option(help="A model by its name or folder, instead of CLIP_MODEL.")]


def print_version(wanted: bool) -> None:
    """Prints the version and ends, before any setting is read."""
    if wanted:
        typer.echo(f"likeness {version()}")
        raise typer.Exit


FollowRemovals = Annotated[bool, typer.Option("--delete", help="Deletes pictures whose file is gone from the source.")]


@commands.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Option("--watch", help="A folder or s3://bucket/folder: what appears there is taken in. Repeatable."),
    ] = None,
    every: Every = EVERY,
    follow_removals: FollowRemovals = False,
    _: Annotated[
        bool, typer.Option("--version", help="Prints the version.", callback=print_version, is_eager=True)
    ] = False,
) -> None:
    """Finds pictures by meaning. Without a command it serves the page."""
    session = Session(context.obj, read_settings())
    context.obj = session
    with failures_as_exit_codes():
        order = _order(sources or [], every, follow_removals, context.invoked_subcommand)
        if context.invoked_subcommand is None:
            session.rooms.serve(session.settings, order)


@commands.command()
def ingest(
    context: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="Files, folders (recursively), patterns, zip and tar archives, s3://bucket/folder."),
    ] = None,
    table: Annotated[Path | None, typer.Option(help="A .csv, .tsv, .jsonl or .parquet file, a row a picture.")] = None,
    image_column: Annotated[str, typer.Option(help="The column with the pictures' paths or addresses.")] = "filepath",
    metadata: Annotated[list[str] | None, typer.Option(help="name=value, kept with every picture.")] = None,
    limit: Annotated[int | None, typer.Option(help="Ends after so many files.", min=1)] = None,
    shard: Annotated[str, typer.Option(help="3/8 takes the third of eight parts: a machine for each part.")] = "",
    receipt: Annotated[Path | None, typer.Option(help="A .csv or .jsonl file: a line per file, as it goes.")] = None,
    batch_size: Annotated[int, typer.Option(help="New pictures encoded at once.", min=1, max=1024)] = BATCH_SIZE,
    near_duplicates: Annotated[
        str, typer.Option(help="take: they are not looked for; note: told on the receipt; skip: not taken in.")
    ] = "take",
    dry_run: Annotated[bool, typer.Option(help="Tells what would happen and changes nothing.")] = False,
    in_place: Annotated[bool, typer.Option(help="Stores no originals: they are read from where they are.")] = False,
    as_json: AsJson = False,
) -> None:
    """Takes pictures in."""
    with failures_as_exit_codes(), receipt_file(receipt) as write:
        if not (sources or table):
            raise InvalidSelection("Nothing is named to take in: give at least one source, or a --table.")
        near = as_near(near_duplicates)
        if dry_run and near != "take":
            raise InvalidSelection("--near-duplicates does not go with --dry-run: no picture is encoded.")
        part = Shard.parse(shard) if shard else None
        selection = Selection(limit, part, _fields(metadata or []))
        items = selection.of(context.obj.rooms.items_from(sources or [], table, image_column))
        named = ", ".join([*map(last_part, sources or []), *([table.name] if table else [])])
        _take_in(context.obj, items, as_json, write, batch_size, dry_run, in_place, named, near)


@commands.command()
def watch(
    context: typer.Context,
    sources: Annotated[list[str], typer.Argument(help="Folders (recursively), s3://bucket/folder.")],
    every: Every = EVERY,
    follow_removals: FollowRemovals = False,
    in_place: Annotated[bool, typer.Option(help="Stores no originals: they are read from where they are.")] = False,
    as_json: AsJson = False,
) -> None:
    """Takes in what appears at a source, until Ctrl-C."""
    with failures_as_exit_codes():
        order = WatchConfig(sources, parse_interval(every), follow_removals, in_place)
        context.obj.rooms.watch(context.obj.settings, order, print_round_as_json if as_json else print_round)


@commands.command()
def samples(context: typer.Context, as_json: AsJson = False) -> None:
    """Adds some 60 drawn pictures, so that an empty library can be tried at once."""
    _take_in(context.obj, list(sample_items()), as_json, source="samples")


@commands.command()
def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What the picture shows.")] = "",
    texts: Annotated[list[str] | None, typer.Option("--text", help='A text with its weight: "people^-0.5".')] = None,
    images: Annotated[
        list[str] | None,
        typer.Option("--image", help="A picture that the results resemble: a.jpg, a.jpg^0.7, a.jpg#0.1,0.2,0.5,0.5."),
    ] = None,
    likes: Annotated[list[str] | None, typer.Option("--like", help="A content ID, with ^ and # as well.")] = None,
    queries: Annotated[str, typer.Option(help="Many queries: a folder of pictures, or a table.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="A .csv, .json or .zip (of originals); with --queries .csv, .jsonl or .parquet.")
    ] = None,
    text_column: Annotated[str | None, typer.Option(help="The table's column of texts; else: text.")] = None,
    image_column: Annotated[str | None, typer.Option(help="That of paths or addresses; else: filepath.")] = None,
    limit: Annotated[int, typer.Option(help=f"How many results, 1 to {MAX_LIMIT}.")] = 10,
    nprobe: Annotated[int | None, typer.Option(help="Clusters to look into; chosen by itself if not given.")] = None,
    exact: Annotated[bool, typer.Option(help="Compare with every picture.")] = False,
    min_score: Annotated[float, typer.Option(help="Leave out results below this score, -1 to 1.")] = -1.0,
    where: Annotated[
        list[str] | None,
        typer.Option(help='"width>=1000", "class=cat|dog", "width=100..200", "name^=IMG". Repeatable.'),
    ] = None,
    match_any: Annotated[bool, typer.Option("--any", help="Any of the conditions, not all of them.")] = False,
    sort: Annotated[str, typer.Option(help=f"{', '.join(ORDERS)}.")] = "score",
    offset: Annotated[int, typer.Option(help="Leaves out so many of the first results.", min=0)] = 0,
    explain: Annotated[bool, typer.Option("--explain", help="Print a program that asks Milvus the same.")] = False,
    model: Model = "",
    as_json: AsJson = False,
) -> None:
    """Finds pictures by words and pictures, each with a weight; without them lists those that match; or answers many
    queries at once."""
    with failures_as_exit_codes():
        parts = parts_given(text, texts or [], images or [], likes or [])
        drafts = [parse_condition(each) for each in where or []]
        query = Query(
            parts,
            limit=limit,
            nprobe=nprobe,
            exact=exact,
            min_score=min_score,
            order=as_order(sort),
            offset=offset,
            model=model,
        )
        if queries:
            if drafts or sort != "score" or offset:
                raise InvalidQuery("--where, --sort and --offset do not go with --queries.")
            if parts:
                raise InvalidQuery("--queries brings its own texts and pictures: leave the others away.")
            if out is None:
                raise InvalidQuery("--queries needs a file to write to: --out hits.csv, hits.jsonl or hits.parquet.")
            asked = context.obj.rooms.queries_from(queries, text_column, image_column)
            _search_many(context.obj, asked, query, out, as_json)
            return
        if text_column or image_column:
            raise InvalidQuery("--text-column and --image-column go with --queries.")
        if out and explain:
            raise InvalidQuery("--explain prints a program in place of the results: leave --out away.")
        if out:
            kind_of(out)
        with context.obj.library(others=[model] if model else []) as library:
            query = replace(query, where=library.fields.typed(drafts, "any" if match_any else "all"))
            if not parts and (query.where or query.order != "score"):
                listing = library.listed(query.where, query.order, offset, limit)
                if not listing.records:
                    note_none(library.status().pictures, offset)
                if out:
                    write_results(library, [Result(record) for record in listing.records], out, as_json)
                else:
                    print_listing(listing, as_json)
                return
            library.calibrate(wait=True, model=model)
            answer = library.search(query)
            if not answer.hits:
                note_none(library.status().pictures, offset)
            if out:
                write_results(library, results_of(answer, offset), out, as_json)
                print_notes(answer)
                return
    print_answer(answer, offset, explain, as_json)


@commands.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """What is in the library, which model answers, and how Milvus is."""
    with failures_as_exit_codes(), context.obj.library() as library:
        rows = library.count_rows()
        now = library.status()
    if now.pictures is None:
        fail(str(now.store_problem), EXIT_UNAVAILABLE)
    assert now.model.info and now.index  # counting rows needed both
    report = {
        "pictures": now.pictures,
        "rows": rows,
        "model": now.model.info.name,
        "texts": now.model.info.texts if now.model.info.texts != now.model.info.name else None,
        "stands_in_for": now.model.name if now.model.is_stand_in else None,
        "dim": now.model.info.dim,
        "index": {"type": now.index.index_type, "metric": now.index.metric, "nlist": now.index.nlist},
        "accuracy": _accuracy(now.index),
        "milvus": {
            "version": now.index.version,
            "state": now.index.state,
            "loads": now.index.loads,
            "releases": now.index.releases,
            "searches": now.index.searches,
        },
        "device": now.model.info.device,
        "dtype": now.model.info.dtype,
    }
    if as_json:
        print_json(report)
    else:
        print_table(report)


def _accuracy(index: IndexStatus) -> dict[str, object]:
    """What a search looks into by itself, and who says so."""
    exact = index.nprobe is None or index.nprobe >= index.nlist
    chosen = {"chosen": "by tune"} if index.nprobe_is_chosen else {}
    outdated = {"outdated": f"{index.outdated_choice}, run tune again"} if index.outdated_choice else {}
    return {"nprobe": "every cluster" if exact else index.nprobe, **chosen, **outdated}


@commands.command()
def reindex(context: typer.Context, model: Model = "", as_json: AsJson = False) -> None:
    """Encodes for a model every stored picture that it lacks. Nothing is uploaded again."""
    counts: Counter[str] = Counter()
    failed: list[FileReceipt] = []
    with (
        failures_as_exit_codes(),
        context.obj.library(with_model=False, others=[model] if model else []) as library,
        interrupt() as interrupted,
    ):
        total = len(library.importer.missing(model))
        for receipt in with_progress(library.reindex(interrupted.is_set, model), total, "Encoding"):
            counts[receipt.status] += 1
            if receipt.status == "rejected":
                failed.append(receipt)
    if as_json:
        print_json({"encoded": counts["new"], "rejected": len(failed), "files": [each.as_json() for each in failed]})
    else:
        print_rejected(failed)
        typer.echo(f"{counts['new']} encoded, {len(failed)} rejected")
    exit_after(interrupted, bool(failed))


@commands.command()
def export(
    context: typer.Context,
    pack: Annotated[str, typer.Argument(help="A new folder.")],
    thumbnails: Annotated[bool, typer.Option("--thumbnails", help="With the thumbnails.")] = False,
    originals: Annotated[bool, typer.Option("--originals", help="With the originals and the thumbnails.")] = False,
    as_json: AsJson = False,
) -> None:
    """Writes the pictures' vectors and records as a pack, which another library imports without encoding."""
    counts: Counter[Packed] = Counter()
    contents = Contents(thumbnails or originals, originals)
    with (
        failures_as_exit_codes(),
        context.obj.rooms.new_pack(pack, contents) as writer,
        context.obj.library() as library,
        interrupt() as interrupted,
    ):
        total = library.status().pictures
        for outcome in with_progress(library.packs.export_to(writer, interrupted.is_set), total, "Packing"):
            counts[outcome] += 1
    if interrupted.is_set():
        fail(f"Stopped: {pack} was not written.", EXIT_INTERRUPTED)
    print_packed(pack, counts, as_json)


@commands.command(name="import")
def import_(
    context: typer.Context,
    pack: Annotated[str, typer.Argument(help="A folder that export has written.")],
    as_json: AsJson = False,
) -> None:
    """Takes a pack in without encoding. Nothing is written unless the whole pack is sound and of this model."""
    counts: Counter[str] = Counter()
    failed: list[FileReceipt] = []
    with failures_as_exit_codes():
        opened = context.obj.rooms.open_pack(pack)
        with context.obj.library() as library, interrupt() as interrupted:
            try:
                receipts = library.packs.import_from(opened, interrupted.is_set, last_part(pack))
                for receipt in with_progress(receipts, opened.manifest.count, "Importing"):
                    counts[receipt.status] += 1
                    if receipt.status == "rejected":
                        failed.append(receipt)
            finally:
                if counts or not opened.manifest.count:
                    print_imported(counts, failed, as_json)
    exit_after(interrupted, bool(counts["rejected"] or counts["skipped"]))


@commands.command()
def delete(context: typer.Context, ids: Annotated[list[str], typer.Argument(help="Content IDs.")]) -> None:
    """Removes pictures: their rows in every collection, then their files."""
    with failures_as_exit_codes(), context.obj.library(with_model=False) as library:
        for record in library.delete([parse_content_id(id) for id in ids]):
            typer.echo(f"deleted  {record.content_id}  {record.name}")


def _order(sources: Sequence[str], every: str, follow_removals: bool, command: str | None) -> WatchConfig | None:
    """What to watch beside the page. Raises InvalidSelection."""
    if sources and command:
        raise InvalidSelection(f"--watch goes with the page. Without it: {command} as before, or watch SOURCE.")
    if sources:
        return WatchConfig(sources, parse_interval(every), follow_removals)
    if follow_removals or every != EVERY:
        raise InvalidSelection("--every and --delete go with --watch SOURCE, or after the command watch.")
    return None


def _fields(pairs: Sequence[str]) -> dict[str, str]:
    """Raises InvalidSelection for anything but name=value."""
    fields: dict[str, str] = {}
    for pair in pairs:
        name, found, value = pair.partition("=")
        if not (name and found):
            raise InvalidSelection(f"--metadata {pair} is not possible: name=value is expected.")
        fields[name] = value
    return fields


def _take_in(
    session: Session,
    items: Iterable[Item],
    as_json: bool,
    write: Write = lambda _: None,
    batch_size: int = BATCH_SIZE,
    dry_run: bool = False,
    in_place: bool = False,
    source: str = "",
    near: Near = "take",
) -> None:
    receipts: list[FileReceipt] = []
    total = len(items) if isinstance(items, Sequence) else None
    with failures_as_exit_codes(), session.library() as library, interrupt() as interrupted:
        try:
            added = library.add(items, interrupted.is_set, batch_size, dry_run, in_place, source, near)
            for receipt in with_progress(added, total, "Looking" if dry_run else "Taking in"):
                write(receipt)
                receipts.append(receipt)
        finally:
            if receipts or not total:
                print_receipts(receipts, as_json)
    exit_after(interrupted, bool(tally(receipts)["rejected"]))


def _search_many(session: Session, queries: Queries, like: Query, out: Path, as_json: bool) -> None:
    counts: Counter[str] = Counter()
    others = [like.model] if like.model else []
    with session.rooms.hit_file(out) as write, session.library(others=others) as library, interrupt() as interrupted:
        answers = library.searcher.search_many(queries.asked, like, interrupted.is_set)
        for answer in with_progress(answers, queries.total, "Searching"):
            write(answer)
            counts.update(queries=1, hits=len(answer.hits), rejected=bool(answer.problem))
            for note in [answer.problem] if answer.problem else answer.notes:
                typer.echo(f"{printable(answer.name)}: {note}", err=True)
    if not counts["queries"] and not interrupted.is_set():
        raise InvalidQuery("There are no queries: the folder has no pictures, or the table no rows.")
    report = {name: counts[name] for name in ("queries", "hits", "rejected")}
    if as_json:
        print_json({"out": str(out), **report})
    else:
        typer.echo(f"{printable(str(out))}: " + ", ".join(f"{count} {name}" for name, count in report.items()))
    exit_after(interrupted, bool(counts["rejected"]))


commands.command()(evaluate)
commands.command()(tune)
commands.command()(duplicates)
commands.command()(collections)
commands.command()(drop)
