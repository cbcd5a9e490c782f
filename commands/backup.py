"""Defines the commands that back a library up and restore it."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated

import typer

from commands.exit_codes import EXIT_INTERRUPTED
from commands.options import AsJson
from commands.output import echo
from commands.printing import counted, print_json, print_rejected
from commands.session import Session, exit_after, fail, failures_as_exit_codes, interrupt, with_progress
from commands.terminal import placed
from db.files.backup_folder import new_backup, open_backup
from library.backup.backup_place import Copied, pictures_copied
from library.backup.backups import lacks_original
from library.ingest.receipts import FileReceipt
from runtime import printable


def backup(
    context: typer.Context,
    dest: Annotated[str, typer.Argument(help="A new folder.")],
    as_json: AsJson = False,
) -> None:
    """Copies all pictures, records and vectors into a new folder, also while others use the library."""
    counts: Counter[Copied] = Counter()
    session: Session = context.obj
    with (
        failures_as_exit_codes(),
        new_backup(placed(dest), session.settings.small_files, session.settings.own_folders) as place,
        session.library(with_model=False) as library,
        interrupt() as interrupted,
    ):
        total = library.status().pictures
        for outcome in with_progress(library.backups.write(place, interrupted.is_set), total, "Copying"):
            counts[outcome] += 1
    if interrupted.is_set():
        fail(f"Stopped: {printable(dest)} is no backup.", EXIT_INTERRUPTED)
    kept = pictures_copied(counts)
    if as_json:
        details = {
            "without_original": counts["without original"],
            "lost_original": counts["lost"],
            "damaged": counts["damaged"],
            "unreadable": counts["unreadable"],
        }
        print_json({"backup": dest, "pictures": kept} | details)
        return
    echo(f"{counted(kept, 'picture')} in {printable(dest)}")
    if counts["without original"]:
        echo(f"{counts['without original']} of them without their original, which this library only refers to")
    if counts["lost"]:
        echo(f"{counts['lost']} of them without their original, which is lost: see doctor")
    if counts["damaged"]:
        echo(f"{counts['damaged']} of them with a damaged original: see doctor")
    if counts["unreadable"]:
        echo(f"{counted(counts['unreadable'], 'picture')} left out, whose records are damaged: run doctor --fix first")


def restore(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A folder that backup has written.")],
    as_json: AsJson = False,
) -> None:
    """Adds the pictures of a backup with their vectors, without encoding. What is there stays, and is completed."""
    counts: Counter[str] = Counter()
    failed: list[FileReceipt] = []
    incomplete: list[FileReceipt] = []
    session: Session = context.obj
    with failures_as_exit_codes():
        place, summary = open_backup(placed(source), session.settings.small_files)
        with session.library(with_model=False) as library, interrupt() as interrupted:
            restoring = library.backups.restore(place, interrupted.is_set)
            for receipt in with_progress(restoring, summary.pictures, "Restoring"):
                counts[receipt.status] += 1
                if receipt.status == "rejected":
                    failed.append(receipt)
                elif lacks_original(receipt):
                    incomplete.append(receipt)
            lacking = {} if interrupted.is_set() else library.backups.without_vector(place, summary)
    missing = 0 if interrupted.is_set() else max(0, summary.pictures - counts.total())
    if as_json:
        files = [each.as_json() for each in (*failed, *incomplete)]
        known = {"restored": counts["new"], "completed": counts["updated"], "there": counts["duplicate"]}
        known |= {"rejected": len(failed), "without_original": len(incomplete), "missing": missing}
        print_json(known | {"without_vector": lacking, "files": files})
    else:
        print_rejected(failed)
        completed = f"{counts['updated']} completed, " if counts["updated"] else ""
        echo(f"{counts['new']} restored, {completed}{counts['duplicate']} there already, {len(failed)} rejected")
        _print_lacking(len(incomplete), missing, summary.pictures, lacking)
    exit_after(interrupted, bool(failed or incomplete or missing or lacking))


def _print_lacking(without_original: int, missing: int, held: int, without_vector: Mapping[str, int]) -> None:
    if without_original:
        echo(f"{without_original} of them without their original, which is not in the backup: add these files again")
    if missing:
        echo(f"{counted(missing, 'picture')} missing from the backup, which held {held}")
    for collection, count in without_vector.items():
        echo(
            f"{counted(count, 'picture')} without a vector in {printable(collection)}, which the backup has lost: "
            "run reindex with its model, or no search finds them"
        )
