"""Defines the commands that write a library as a pack, and import one."""

from collections import Counter
from typing import Annotated

import typer

from commands.exit_codes import EXIT_INTERRUPTED
from commands.options import AsJson
from commands.printing import print_imported, print_packed
from commands.session import exit_after, fail, failures_as_exit_codes, interrupt, with_progress
from commands.terminal import placed
from db.files.pack_reader import open_pack
from db.files.pack_writer import new_pack
from library.ingest.items import source_label
from library.ingest.packs import Contents, Packed
from library.ingest.receipts import FileReceipt


def export(
    context: typer.Context,
    pack: Annotated[str, typer.Argument(help="A new folder.")],
    thumbnails: Annotated[bool, typer.Option("--thumbnails", help="Writes the thumbnails, too.")] = False,
    originals: Annotated[
        bool, typer.Option("--originals", help="Writes the originals and the thumbnails, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Writes the pictures' vectors and records as a pack, which another library imports without encoding."""
    counts: Counter[Packed] = Counter()
    contents = Contents(thumbnails or originals, originals)
    with (
        failures_as_exit_codes(),
        new_pack(placed(pack), contents, context.obj.settings.own_folders) as writer,
        context.obj.library() as library,
        interrupt() as interrupted,
    ):
        total = library.status().pictures
        for outcome in with_progress(library.packs.export_to(writer, interrupted.is_set), total, "Exporting"):
            counts[outcome] += 1
    if interrupted.is_set():
        fail(f"Stopped: {pack} was not written.", EXIT_INTERRUPTED)
    print_packed(pack, counts, as_json)


def import_(
    context: typer.Context,
    pack: Annotated[str, typer.Argument(help="A folder that export has written.")],
    as_json: AsJson = False,
) -> None:
    """Adds the pictures of a pack without encoding. Nothing is written unless the whole pack is sound and of this
    model."""
    counts: Counter[str] = Counter()
    failed: list[FileReceipt] = []
    with failures_as_exit_codes():
        opened = open_pack(placed(pack))
        with context.obj.library(encodes_pictures=True) as library, interrupt() as interrupted:
            try:
                receipts = library.packs.import_from(opened, interrupted.is_set, source_label(pack))
                for receipt in with_progress(receipts, opened.manifest.count, "Importing"):
                    counts[receipt.status] += 1
                    if receipt.status == "rejected":
                        failed.append(receipt)
            finally:
                if counts or not opened.manifest.count:
                    print_imported(counts, failed, as_json)
    exit_after(interrupted, bool(counts["rejected"] or counts["skipped"]))
