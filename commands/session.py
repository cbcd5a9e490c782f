"""What every command works with: the rooms it is given, exit codes, progress, Ctrl-C."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn, Protocol, TypeVar

import typer

from library.errors import (
    IndexUnavailable,
    LikenessError,
    ModelUnavailable,
    SourceUnavailable,
    StoreUnavailable,
)
from library.evaluation.config import EvaluationConfig
from library.evaluation.labels import OnProgress as OnEvaluationProgress
from library.evaluation.metrics import Json
from library.image_library import ImageLibrary
from library.ingest.items import Item
from library.ingest.packs import Contents, Pack, PackWriter
from library.ingest.watch import OnProgress, WatchConfig
from library.search.batch import BatchResult, Queries
from settings import Settings, SettingsError, load_settings

EXIT_REJECTED = 1
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 3
EXIT_INTERRUPTED = 130

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

T = TypeVar("T")


class Evaluate(Protocol):
    def __call__(
        self,
        settings: Settings,
        models: Sequence[str],
        items: Iterable[Item],
        order: EvaluationConfig,
        source: str,
        on_progress: OnEvaluationProgress,
        should_stop: Callable[[], bool],
    ) -> tuple[Json, str] | None:
        """The figures and where they are kept; None when it was stopped."""
        ...


class Open(Protocol):
    def __call__(self, settings: Settings, with_model: bool = True, others: Sequence[str] = ()) -> ImageLibrary: ...


@dataclass(frozen=True)
class Rooms:
    """What the commands are given: how to open the library, serve and watch; where sources, packs and queries are."""

    open_library: Open
    serve: Callable[[Settings, WatchConfig | None], None]
    watch: Callable[[Settings, WatchConfig, OnProgress], None]
    items_from: Callable[[Sequence[str], Path | None, str], Iterable[Item]]
    new_pack: Callable[[str, Contents], AbstractContextManager[PackWriter]]
    open_pack: Callable[[str], Pack]
    evaluate: Evaluate
    queries_from: Callable[[str, str | None, str | None], Queries]
    hit_file: Callable[[Path], AbstractContextManager[Callable[[BatchResult], None]]]


@dataclass(frozen=True)
class Session:
    rooms: Rooms
    settings: Settings

    @contextmanager
    def library(self, with_model: bool = True, others: Sequence[str] = ()) -> Iterator[ImageLibrary]:
        library = self.rooms.open_library(self.settings, with_model, others)
        try:
            yield library
        finally:
            library.close()


def last_part(source: str) -> str:
    """What visitors of the page may know of where pictures came from."""
    return source if "://" in source else Path(source).expanduser().absolute().name


def exit_after(interrupted: threading.Event, some_rejected: bool) -> None:
    if interrupted.is_set():
        raise typer.Exit(EXIT_INTERRUPTED)
    if some_rejected:
        raise typer.Exit(EXIT_REJECTED)


def with_progress(receipts: Iterable[T], total: int | None, what: str) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import track

    yield from track(receipts, what, total=total, console=Console(stderr=True))


@contextmanager
def telling() -> Iterator[Any]:
    """A progress on stderr that takes what is done, how much of it, and of how many."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bars: dict[str, Any] = {}

        def on_progress(what: str, done: int, total: int | None) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what, total=total)
            progress.update(bars[what], completed=done)

        yield on_progress


@contextmanager
def interrupt() -> Iterator[threading.Event]:
    """Ctrl-C ends after the batch in hand; a second one ends at once."""
    pressed = threading.Event()

    def on_signal(*_: object) -> None:
        signal.signal(signal.SIGINT, previous)
        pressed.set()

    previous = signal.signal(signal.SIGINT, on_signal)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, previous)


def read_settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        fail(str(error), EXIT_USAGE)


@contextmanager
def failures_as_exit_codes() -> Iterator[None]:
    try:
        yield
    except (IndexUnavailable, StoreUnavailable, SourceUnavailable, ModelUnavailable) as error:
        fail(str(error), EXIT_UNAVAILABLE)
    except (LikenessError, SettingsError) as error:
        fail(str(error), EXIT_USAGE)


def fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)
