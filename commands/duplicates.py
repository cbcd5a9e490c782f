"""Defines the command that finds near-duplicates, and keeps the best of each group."""

from collections.abc import Sequence
from typing import Annotated

import typer

from commands.exit_codes import EXIT_INTERRUPTED
from commands.options import AsJson, number
from commands.output import echo
from commands.printing import counted, note_trash, print_json
from commands.session import Session, fail, failures_as_exit_codes, interrupt, progress_bars
from library.duplicates.groups import THRESHOLD, Group, Reason
from library.errors import InvalidSelection
from library.image_library import ImageLibrary
from library.records import Record

Threshold = Annotated[float, number("--threshold", "The least cosine similarity of two near-duplicates.")]

KEEPS = ("", "best")
REASONS: dict[Reason, str] = {
    "pixels": "the most pixels",
    "enlarged": "the others are no more than enlarged copies of it",
    "unsure": "not decided, since the largest may be no more than an enlarged copy",
    "detail": "as many pixels, and the most detail",
    "bytes": "as many pixels and as much detail, and the most bytes",
    "age": "the same pixels, detail and bytes, and added first",
}


def duplicates(
    context: typer.Context,
    threshold: Threshold = THRESHOLD,
    keep: Annotated[str, typer.Option(help="best: copies with fewer pixels or less detail go to the trash.")] = "",
    dry_run: Annotated[bool, typer.Option(help="With --keep: lists what would go and deletes nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Finds pictures that are there in another format, size or quality, or cut at the edges."""
    session: Session = context.obj
    with failures_as_exit_codes():
        if keep not in KEEPS:
            raise InvalidSelection("keep_impossible", keep=keep)
        if dry_run and not keep:
            raise InvalidSelection("dry_run_without_keep")
        with session.library() as library, interrupt() as interrupted:
            with progress_bars() as on_progress:
                groups = library.duplicates.find(
                    threshold, lambda done, total: on_progress("Comparing", done, total), interrupted.is_set
                )
            if groups is None:
                fail("Stopped: nothing was changed.", EXIT_INTERRUPTED)
            if keep and not dry_run:
                _keep_best(library, groups)
                note_trash(library)
    fate = ("delete" if dry_run else "deleted") if keep else ""
    if as_json:
        print_json([_as_json(group, fate) for group in groups])
    else:
        _print(groups, fate)


def _keep_best(library: ImageLibrary, groups: Sequence[Group]) -> None:
    for group in groups:
        redundant = group.redundant()
        for better in set(redundant.values()):
            library.duplicates.keep_one(better, [id for id in redundant if redundant[id] == better])


def _as_json(group: Group, fate: str) -> dict[str, object]:
    pictures = [
        {
            "content_id": record.content_id,
            "name": record.name,
            "width": record.width,
            "height": record.height,
            "bytes": record.bytes,
            "format": record.format,
            "detail": group.detail_of(record),
            "enlarged_from": _size(held) if (held := group.enlarged_from(record)) else None,
            "score": round(group.score_of(record.content_id), 6),
        }
        | ({"fate": _fate(group, record, fate)} if fate else {})
        for record in group.records
    ]
    return {"score": round(group.score, 6), "best_by": group.reason, "pictures": pictures}


def _size(record: Record) -> str:
    return f"{record.width} x {record.height}"


def _print(groups: Sequence[Group], fate: str) -> None:
    for group in groups:
        for record in group.records:
            words = f"{_fate(group, record, fate):<7}  " if fate else ""
            size = _size(record)
            facts = f"{group.score_of(record.content_id):.3f}  {size:>13}  {record.bytes:>10,} B  {record.format:<5}"
            share = group.detail_of(record)
            detail = "" if share is None else f"  detail {share:.1%}"
            held = group.enlarged_from(record)
            enlarged = f"  enlarged from {_size(held)}" if held else ""
            echo(f"{words}{facts}  {record.content_id}  {record.name}{detail}{enlarged}")
        echo(f"best: {REASONS[group.reason]}")
        echo("")
    pictures = sum(len(group.records) for group in groups)
    some = f"{counted(pictures, 'picture')} in {counted(len(groups), 'group')}"
    found = some if groups else "no near-duplicates"
    going = sum(len(group.redundant()) for group in groups)
    echo(found + (f", {going} {'to delete' if fate == 'delete' else fate}" if groups and fate else ""))


def _fate(group: Group, record: Record, fate: str) -> str:
    return fate if record.content_id in group.redundant() else "keep"
