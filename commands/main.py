"""Defines the program: its commands, and the page that is served without one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import server
from commands.backup import backup, restore
from commands.collections import collections, drop, reindex
from commands.doctor import doctor
from commands.duplicates import duplicates
from commands.evaluation import evaluate
from commands.ingest import ingest, samples
from commands.output import echo
from commands.packs import export, import_
from commands.pictures import delete, status
from commands.search import search
from commands.session import Session, failures_as_exit_codes, read_settings
from commands.trash import trash
from commands.tuning import tune
from commands.watch import EVERY, Every, FollowRemovals, watch
from library.errors import InvalidSelection
from library.ingest.watch import WatchConfig, parse_interval
from library.texts import shortened
from runtime import exit_at_once
from settings import version


class Commands(TyperGroup):
    """Runs the commands, and shortens what typer repeats of a command line that it does not understand."""

    def make_context(self, *given: Any, **options: Any) -> Any:
        with _shortened():
            return super().make_context(*given, **options)

    def invoke(self, *given: Any) -> Any:
        with _shortened():
            return super().invoke(*given)


@contextmanager
def _shortened() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        said = getattr(error, "message", None)
        if isinstance(said, str):  # as the errors of typer have it, whose class it does not tell
            error.message = shortened(said)  # type: ignore[attr-defined]
        raise


commands = typer.Typer(cls=Commands, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=False)

commands.command()(ingest)
commands.command()(watch)
commands.command()(samples)
commands.command()(search)
commands.command()(status)
commands.command()(reindex)
commands.command()(export)
commands.command(name="import")(import_)
commands.command()(delete)
commands.command()(evaluate)
commands.command()(tune)
commands.command()(duplicates)
commands.command()(backup)
commands.command()(restore)
commands.command()(doctor)
commands.command()(collections)
commands.command()(drop)
commands.add_typer(trash, name="trash")


def print_version(wanted: bool) -> None:
    """Prints the version and ends, before any setting is read."""
    if wanted:
        echo(f"likeness {version()}")
        raise typer.Exit


@commands.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Option("--watch", help="A folder or s3://bucket/folder: what appears there is added. Repeatable."),
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
        watched = _watched(sources or [], every, follow_removals, context.invoked_subcommand)
        if context.invoked_subcommand is None:
            server.serve(session.settings, session.build, watched)
            exit_at_once()


def _watched(sources: Sequence[str], every: str, follow_removals: bool, command: str | None) -> WatchConfig | None:
    """Returns what to watch beside the page. Raises InvalidSelection."""
    if sources and command:
        raise InvalidSelection("watch_with_command", command=command)
    if sources:
        return WatchConfig(sources, parse_interval(every), follow_removals)
    if follow_removals or every != EVERY:
        raise InvalidSelection("watch_options_alone")
    return None
