"""Defines the commands that add pictures: from files, folders, archives, buckets and tables, or the drawn samples."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from commands.options import AsJson, Encoding, InPlace, WithSidecars, whole
from commands.printing import print_receipts
from commands.session import Session, exit_after, failures_as_exit_codes, interrupt, with_progress
from commands.terminal import placed, placed_file
from db.sources.files import items_from
from library.errors import InvalidSelection
from library.exports.receipt_file import Write, receipt_file
from library.ingest.batch import BATCH_SIZE
from library.ingest.items import Item, source_label, total_of
from library.ingest.receipts import FileReceipt, tally
from library.ingest.selection import Selection, Shard
from library.ingest.storing import Near, as_near
from library.samples.pictures import sample_items
from library.texts import as_typed

Sources = Annotated[
    list[str] | None,
    typer.Argument(help="Files, folders (recursively), patterns, zip and tar archives, s3://bucket/folder."),
]
NearDuplicates = Annotated[
    str,
    typer.Option(
        help="take: added without a search for them; note: added and reported on the receipt; skip: left out."
    ),
]
ReceiptFile = Annotated[Path | None, typer.Option(help="A .csv or .jsonl file: a line per file, as it goes.")]


def ingest(
    context: typer.Context,
    sources: Sources = None,
    table: Annotated[Path | None, typer.Option(help="A .csv, .tsv, .jsonl or .parquet file, a row a picture.")] = None,
    image_column: Annotated[str, typer.Option(help="The column with the pictures' paths or addresses.")] = "filepath",
    encoding: Encoding = "",
    metadata: Annotated[list[str] | None, typer.Option(help="name=value, kept with every picture. Repeatable.")] = None,
    limit: Annotated[int | None, whole("--limit", "Ends after this number of files.", 1)] = None,
    shard: Annotated[str, typer.Option(help="3/8 takes the third of eight parts: a machine for each part.")] = "",
    receipt: ReceiptFile = None,
    batch_size: Annotated[
        int, whole("--batch-size", "How many new pictures are encoded at once.", 1, 1024)
    ] = BATCH_SIZE,
    near_duplicates: NearDuplicates = "take",
    dry_run: Annotated[bool, typer.Option(help="Shows what would happen and changes nothing.")] = False,
    in_place: InPlace = False,
    sidecars: WithSidecars = True,
    as_json: AsJson = False,
) -> None:
    """Adds pictures from files, folders, archives, buckets and tables."""
    with failures_as_exit_codes(), receipt_file(placed_file(receipt)) as write:
        if not (sources or table):
            raise InvalidSelection("nothing_named")
        near = as_near(near_duplicates)
        if dry_run and near != "take":
            raise InvalidSelection("near_duplicates_with_dry_run", near="--near-duplicates", dry_run="--dry-run")
        selection = Selection(limit, Shard.parse(shard) if shard else None, _fields(metadata or []))
        own = context.obj.settings.own_folders
        items = selection.of(
            items_from([*map(placed, sources or [])], placed_file(table), image_column, encoding, own, sidecars)
        )
        named = ", ".join([*map(source_label, sources or []), *([table.name] if table else [])])
        _add(context.obj, items, _How(named, batch_size, dry_run, in_place, near), write, as_json)


def samples(context: typer.Context, as_json: AsJson = False) -> None:
    """Adds some 60 drawn pictures, so that an empty library can be tried at once."""
    _add(context.obj, list(sample_items()), _How("samples"), lambda _: None, as_json)


@dataclass(frozen=True)
class _How:
    """Says how the pictures of a run are added."""

    source: str
    batch_size: int = BATCH_SIZE
    dry_run: bool = False
    in_place: bool = False
    near: Near = "take"


def _add(session: Session, items: Iterable[Item], how: _How, write: Write, as_json: bool) -> None:
    receipts: list[FileReceipt] = []
    with failures_as_exit_codes(), session.library(encodes_pictures=True) as library, interrupt() as interrupted:
        try:
            added = library.add(
                items, interrupted.is_set, how.batch_size, how.dry_run, how.in_place, how.source, how.near
            )
            for receipt in with_progress(added, partial(total_of, items), "Checking" if how.dry_run else "Adding"):
                write(receipt)
                receipts.append(receipt)
        finally:
            if receipts or not total_of(items):
                print_receipts(receipts, as_json)
    exit_after(interrupted, bool(tally(receipts)["rejected"]))


def _fields(pairs: Sequence[str]) -> dict[str, str]:
    """Returns the metadata by name. Raises InvalidSelection for anything but name=value."""
    fields: dict[str, str] = {}
    for pair in map(as_typed, pairs):
        name, found, value = pair.partition("=")
        if not (name and found):
            raise InvalidSelection("metadata_option", pair=pair)
        fields[name] = value
    return fields
