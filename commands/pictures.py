"""Defines the commands that say what is in the library, and delete pictures."""

from typing import Annotated

import typer

from commands.exit_codes import EXIT_UNAVAILABLE
from commands.options import AsJson
from commands.output import echo
from commands.printing import note_not_indexed, note_trash, print_json, print_table
from commands.session import fail, failures_as_exit_codes
from library.image_library import LibraryStatus
from library.images import parse_content_id
from library.messages import message
from library.ports import IndexStatus


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Shows what is in the library, the model in use, and the state of Milvus."""
    with failures_as_exit_codes(), context.obj.library() as library:
        rows = library.count_rows()
        now = library.status()
    if now.pictures is None:
        fail(str(now.store_problem), EXIT_UNAVAILABLE)
    report = _report(now, rows)
    if as_json:
        print_json(report)
    else:
        computed = now.model.info.engine if now.model.info else {}
        print_table({**report, "engine": None, **computed})
    note_not_indexed(now)
    if now.elsewhere:
        echo(str(message("pictures_elsewhere")), err=True)


def delete(context: typer.Context, ids: Annotated[list[str], typer.Argument(help="Content IDs.")]) -> None:
    """Moves pictures to the trash, which keeps them for TRASH_DAYS."""
    with failures_as_exit_codes(), context.obj.library(with_model=False) as library:
        for record in library.delete([parse_content_id(id) for id in ids]):
            echo(f"deleted  {record.content_id}  {record.name}")
        note_trash(library)


def _report(now: LibraryStatus, rows: int) -> dict[str, object]:
    model, index = now.model.info, now.index
    assert model and index  # counting rows needed both
    return {
        "pictures": now.pictures,
        "rows": rows,
        "model": model.name,
        "texts": model.texts if model.texts != model.name else None,
        "stands_in_for": now.model.name if now.model.is_fallback else None,
        "dim": model.dim,
        "index": {"type": index.index_type, "metric": index.metric, "nlist": index.nlist},
        "accuracy": _accuracy(index),
        "milvus": {
            "version": index.version,
            **({} if index.accelerated is None else {"accelerated": index.accelerated}),
            "state": index.state,
            "loads": index.loads,
            "releases": index.releases,
            "searches": index.searches,
        },
        "device": model.device,
        "dtype": model.dtype,
        "engine": {use.replace(" ", "_"): line for use, line in model.engine.items()} or None,
    }


def _accuracy(index: IndexStatus) -> dict[str, object]:
    """Returns how many clusters a search looks into by itself, and who chose that."""
    exact = index.nprobe is None or index.nprobe >= index.nlist
    chosen = {"chosen": "by tune"} if index.nprobe_is_chosen else {}
    outdated = {"outdated": f"{index.outdated_choice}, run tune again"} if index.outdated_choice else {}
    return {"nprobe": "every cluster" if exact else index.nprobe, **chosen, **outdated}
