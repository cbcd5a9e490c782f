"""Defines the program: its commands, and the page that is served without one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

import server
from commands.backup import backup, restore
from commands.collections import collections, drop, reindex
from commands.doctor import doctor
from commands.duplicates import duplicates
from commands.evaluation import evaluate
from commands.exit_codes import EXIT_REJECTED
from commands.host import CommandHost
from commands.ingest import ingest, samples
from commands.output import echo
from commands.packs import export, import_
from commands.pictures import delete, status
from commands.relay import normal
from commands.search import search
from commands.session import HostedSession, Session, failures_as_exit_codes, read_settings
from commands.trash import trash
from commands.tuning import tune
from commands.watch import EVERY, Every, FollowRemovals, watch
from library.errors import InvalidSelection
from library.image_library import ImageLibrary
from library.ingest.watch import WatchConfig, parse_interval
from library.texts import shortened
from runtime import exit_at_once
from settings import Settings, version

OF_PLACE = ("data_dir", "milvus_uri", "milvus_db")  # by default, too, a command means one library or another
SHARED = (  # the settings that a command has to share with the app that it goes through
    *OF_PLACE,
    *("image_store", "trash_days"),
    *("clip_model", "clip_text_model", "clip_device", "clip_dtype", "clip_engine"),
)


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
    session: Session = context.obj if isinstance(context.obj, Session) else Session(context.obj, read_settings())
    context.obj = session
    with failures_as_exit_codes():
        watched = _watched(sources or [], every, follow_removals, context.invoked_subcommand)
        if context.invoked_subcommand is None and not isinstance(session, HostedSession):
            server.serve(session.settings, session.build, watched, host_for)
            exit_at_once()


def host_for(settings: Settings, library: ImageLibrary) -> CommandHost:
    """Returns what runs the commands of other processes over a library that the app has open; not yet started."""
    session = HostedSession(build=_no_other, settings=settings, opened=library)
    told = {name.upper(): str(getattr(settings, name)) for name in SHARED}
    hello = {
        "settings": {name: normal(name, value) for name, value in told.items()},
        "defaults": {name.upper(): str(Settings.model_fields[name].default) for name in OF_PLACE},
    }
    return CommandHost(settings.data_dir, partial(_run_hosted, session), hello)


def _no_other(settings: Settings, others: Sequence[str] = (), texts_first: bool = False) -> NoReturn:
    raise AssertionError("a command in the app has its library")


def _run_hosted(session: Session, argv: list[str]) -> int | None:
    """Runs a command line; returns None for one that nobody understands, and for the page."""
    program = typer.main.get_command(commands)
    try:
        code = program.main(argv, prog_name="app.py", standalone_mode=False, obj=session)
    except typer.Abort:
        echo("Aborted.", err=True)
        return EXIT_REJECTED
    except Exception as error:
        if hasattr(error, "format_message"):  # as typer's errors about a command line have it
            return None
        raise
    return code if isinstance(code, int) else 0


def _watched(sources: Sequence[str], every: str, follow_removals: bool, command: str | None) -> WatchConfig | None:
    """Returns what to watch beside the page. Raises InvalidSelection."""
    if sources and command:
        raise InvalidSelection("watch_with_command", command=command)
    if sources:
        return WatchConfig(sources, parse_interval(every), follow_removals)
    if follow_removals or every != EVERY:
        raise InvalidSelection("watch_options_alone")
    return None
