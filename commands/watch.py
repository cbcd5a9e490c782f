"""Defines the command that watches sources and adds what appears there."""

from functools import partial
from typing import Annotated

import typer

from commands.options import AsJson, InPlace, WithSidecars
from commands.printing import print_round, print_round_as_json
from commands.session import Session, failures_as_exit_codes, stop_signalled
from commands.terminal import bound, placed
from library.ingest.watch import WatchConfig, parse_interval
from library.ingest.watcher import Add
from server import new_watching, watch_sources

EVERY = "5s"

Every = Annotated[str, typer.Option(help="How often a source is listed: 5s, 2m, 500ms.")]
FollowRemovals = Annotated[
    bool, typer.Option("--delete", help="Moves pictures to the trash whose file is gone from the source.")
]


def watch(
    context: typer.Context,
    sources: Annotated[list[str], typer.Argument(help="Folders (recursively), s3://bucket/folder.")],
    every: Every = EVERY,
    follow_removals: FollowRemovals = False,
    in_place: InPlace = False,
    sidecars: WithSidecars = True,
    as_json: AsJson = False,
) -> None:
    """Adds what appears at a source, until Ctrl-C."""
    with failures_as_exit_codes():
        config = WatchConfig([*map(placed, sources)], parse_interval(every), follow_removals, in_place, sidecars)
        _watch(context.obj, config, as_json)


def _watch(session: Session, config: WatchConfig, as_json: bool) -> None:
    """Runs until SIGTERM or Ctrl-C.

    A source that is away at the start ends it at once, as for every command; one that goes away later is waited for.
    """
    watched = watch_sources(config, session.settings)
    with session.library(encodes_pictures=True) as library:

        def add_from(source: str) -> Add:
            return partial(library.add, in_place=config.in_place, source=source)

        library.count_rows()
        on_progress = bound(print_round_as_json if as_json else print_round)
        watching = new_watching(watched, config, session.settings, library, add_from, on_progress)
        with stop_signalled() as stop:
            watching.start()
            stop.wait()
            watching.stop()
        watching.wait()
