"""Defines the commands on the trash: list what was deleted, restore it, and empty it."""

import math
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from commands.options import AsJson
from commands.output import confirm, echo
from commands.printing import counted, print_json
from commands.session import failures_as_exit_codes
from library.errors import InvalidSelection
from library.image_library import ImageLibrary
from library.images import parse_content_id
from library.trash.dropped import DroppedCollection
from library.trash.entries import Trashed

Yes = Annotated[bool, typer.Option("--yes", help="Does not ask.")]

trash = typer.Typer(no_args_is_help=True, help="Lists, restores or removes what was deleted in the last TRASH_DAYS.")


@trash.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """Lists the deleted pictures and dropped collections that can be restored, the last deleted first."""
    with failures_as_exit_codes(), context.obj.library(with_model=False) as library:
        library.trash.sweep()
        pictures = library.trash.pictures(0, library.trash.count())
        collections = library.trash.collections()
        damaged = library.trash.damaged()
        if as_json:
            print_json({**_as_json(library, pictures, collections), "damaged": damaged})
            return
        for each in pictures:
            echo(f"{_kept_for(library, each)}  {each.record.content_id}  {each.record.name}")
        for dropped in collections:
            echo(f"{_kept_for(library, dropped)}  {dropped.key}  {dropped.collection.rows} vectors")
    _tell_damaged(len(damaged))
    if not (pictures or collections or damaged):
        echo("The trash is empty.")


@trash.command()
def restore(
    context: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(help="Content IDs, or names of collections.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Restores all pictures.")] = False,
) -> None:
    """Brings back pictures with their vectors, or dropped collections, as trash list names them."""
    with failures_as_exit_codes(), context.obj.library(with_model=False) as library:
        if bool(ids) == everything:
            raise InvalidSelection("restore_what")
        named = ids or []
        pictures = [parse_content_id(each) for each in named if "." not in each]
        if everything:
            pictures = [each.record.content_id for each in library.trash.pictures(0, library.trash.count())]
        for record in library.trash.restore(pictures):
            echo(f"restored  {record.content_id}  {record.name}")
        for key in named:
            if "." in key:
                echo(f"restored  {library.trash.restore_collection(key).name}")
        _tell_damaged(len(library.trash.damaged()) if everything else 0)


@trash.command()
def empty(context: typer.Context, yes: Yes = False) -> None:
    """Removes everything in the trash for good."""
    with failures_as_exit_codes(), context.obj.library(with_model=False) as library:
        pictures, collections = library.trash.count(), len(library.trash.collections())
        held = f"{counted(pictures, 'picture')}, {counted(collections, 'collection')}"
        question = f"Remove everything in the trash for good ({held})?"
        if (pictures or collections) and not yes:
            confirm(question, "Nothing was removed.")
        library.trash.empty()
    echo(f"removed from the trash: {held}")


def _tell_damaged(count: int) -> None:
    if count:
        entries = counted(count, "damaged entry", "damaged entries")
        echo(f"{entries}: `python app.py doctor --fix` makes pictures of them again, from their originals.")


def _kept_for(library: ImageLibrary, each: Trashed | DroppedCollection) -> str:
    left = library.trash.expires(each.deleted_at) - datetime.now(UTC)
    return f"{each.deleted[:16].replace('T', ' ')}  days left: {math.ceil(left / timedelta(days=1)):<3}"


def _as_json(library: ImageLibrary, pictures: list[Trashed], collections: list[DroppedCollection]) -> dict[str, object]:
    return {
        "pictures": [
            {
                "content_id": each.record.content_id,
                "name": each.record.name,
                "deleted": each.deleted,
                "expires": library.trash.expires(each.deleted_at).isoformat(),
            }
            for each in pictures
        ],
        "collections": [
            {
                "key": each.key,
                "collection": each.collection.name,
                "rows": each.collection.rows,
                "deleted": each.deleted,
                "expires": library.trash.expires(each.deleted_at).isoformat(),
            }
            for each in collections
        ],
    }
