"""Defines the command that checks the library and repairs what was found."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from commands.exit_codes import EXIT_INTERRUPTED, EXIT_REJECTED
from commands.options import AsJson
from commands.output import confirm, echo
from commands.printing import counted, print_json
from commands.session import Session, fail, failures_as_exit_codes, interrupt, progress_bars
from library.doctor.file_reading import OnProgress
from library.doctor.findings import SHOWN, Finding, Kind, Report
from library.texts import shortened

WORDS: dict[Kind, str] = {
    "record_damaged": "records that are damaged or of wrong types",
    "unreadable": "files that cannot be read: see to their rights, or the disk",
    "original_missing": "pictures without their original: delete them and add the files again",
    "original_other": "originals whose bytes are not those of their content ID: delete them and add the files again",
    "thumbnail_missing": "missing thumbnails",
    "thumbnail_damaged": "thumbnails that are cut short or no JPEG",
    "orphan": "files that belong to no picture",
    "trash_damaged": "damaged entries of the trash: a repair makes them anew from the originals",
    "foreign": "files that are none of the library's; those that can be repaired are moved to images-foreign",
    "partial": "temporary files that a killed process left",
    "row_missing": "pictures without a row",
    "row_surplus": "rows without a picture",
    "row_elsewhere": "rows of pictures that are not here, perhaps of another image store",
    "row_other": "rows that differ from the record",
    "index_wrong": "index of another type or metric",
    "rebuild_unfinished": "rebuild of the index that was not finished",
    "fields_untyped": "rows as an earlier version kept them, whose filters take longer",
}


def doctor(
    context: typer.Context,
    fix: Annotated[bool, typer.Option("--fix", help="Repairs what can be repaired, after asking.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Does not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compares the image store and the collections with each other, and says what is wrong."""
    session: Session = context.obj
    with failures_as_exit_codes(), session.library() as library:
        report = _watched(library.doctor.examine)
        if report is None:
            fail("Stopped: nothing was changed.", EXIT_INTERRUPTED)
        if fix and report.repairable:
            if not as_json:
                _print(report)
            if not yes:
                confirm(f"Repair {report.repairable} things?", "Nothing was changed.", err=True)
            report = _watched(partial(library.doctor.repaired, report))
        if report is None:
            fail("Stopped: what was repaired stays so. doctor --fix does the rest.", EXIT_INTERRUPTED)
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)
    if report.findings:
        raise typer.Exit(EXIT_REJECTED)


def _watched(work: Callable[[OnProgress, Callable[[], bool]], Report | None]) -> Report | None:
    """Returns what the doctor has found, or None when it was stopped; shows its progress."""
    with interrupt() as interrupted, progress_bars() as on_progress:
        return work(lambda done, total: on_progress("Checking pictures", done, total), interrupted.is_set)


def _print(report: Report) -> None:
    for finding in report.findings:
        echo(f"{finding.count:>8,}  {_fate(finding):<10}  {finding.place:<12}  {WORDS[finding.kind]}")
        for subject in finding.subjects[:SHOWN]:
            echo(f"{'':>8}  {shortened(subject)}")
        if finding.count > SHOWN:
            echo(f"{'':>8}  and {finding.count - SHOWN:,} more")
    if report.young:
        verb = "was" if report.young == 1 else "were"
        echo(f"{counted(report.young, 'file')} younger than an hour {verb} not looked at: check again later")
    wrong = sum(each.count for each in report.findings)
    found = f"{counted(wrong, 'fault')} found" if wrong else "all is well"
    repairable = f", {report.repairable} can be repaired with --fix" if report.repairable else ""
    echo(f"{counted(report.pictures, 'picture')}, {counted(report.collections, 'collection')}: {found}{repairable}")


def _fate(finding: Finding) -> str:
    return "repairable" if finding.repairable else "by hand"
