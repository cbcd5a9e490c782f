"""Defines the commands on the collections of vectors, one for each model: list them, encode for one, drop one."""

from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer

from commands.options import AsJson, Model
from commands.output import confirm, echo
from commands.printing import NO_COLLECTIONS, note_trash, print_json, print_rejected
from commands.session import Session, exit_after, failures_as_exit_codes, interrupt, with_progress
from library.ingest.receipts import FileReceipt
from library.ports import StoredCollection

COLUMNS = ("collection", "model", "dim", "rows", "vectors", "made")


def collections(context: typer.Context, as_json: AsJson = False) -> None:
    """Lists what the pictures were encoded for: a collection for each model."""
    session: Session = context.obj
    with failures_as_exit_codes(), session.library(with_model=False) as library:
        found = library.collections.stored()
    if as_json:
        print_json([asdict(each) | {"vector_bytes": each.vector_bytes} for each in found])
        return
    rows = [COLUMNS, *map(_line, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows if found else []:
        echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    if not found:
        echo(NO_COLLECTIONS, err=True)


def drop(
    context: typer.Context,
    collection: Annotated[str, typer.Argument(help="Its name, as collections lists it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Does not ask.")] = False,
) -> None:
    """Moves a collection and its vectors to the trash. The pictures stay: reindex makes the vectors anew."""
    session: Session = context.obj
    with failures_as_exit_codes(), session.library() as library:
        rows = next((each.rows for each in library.collections.stored() if each.name == collection), None)
        if rows and not yes:
            confirm(f"Drop {collection} with the vectors of {rows} pictures?", "Nothing was dropped.")
        library.collections.drop(collection)
        echo(f"dropped  {collection}")
        note_trash(library)


def reindex(context: typer.Context, model: Model = "", as_json: AsJson = False) -> None:
    """Encodes every stored picture that a model lacks. Nothing is uploaded again."""
    counts: Counter[str] = Counter()
    failed: list[FileReceipt] = []
    session: Session = context.obj
    with (
        failures_as_exit_codes(),
        session.library(with_model=False, others=[model] if model else []) as library,
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
        echo(f"{counts['new']} encoded, {len(failed)} rejected")
    exit_after(interrupted, bool(failed))


def _line(each: StoredCollection) -> tuple[str, ...]:
    megabytes = f"{each.vector_bytes / 1e6:.1f} MB"
    return (each.name, each.model or "-", str(each.dim), str(each.rows), megabytes, each.created or "-")
