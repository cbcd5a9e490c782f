"""Gives every command what it works with: the library of the settings, exit codes, progress, Ctrl-C."""

import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn, Protocol, TypeVar

import typer

from commands.output import echo
from library.errors import (
    IndexUnavailable,
    LikenessError,
    ModelUnavailable,
    SourceUnavailable,
    StoreUnavailable,
)
from library.image_library import ImageLibrary
from library.running.disk import is_full
from runtime import log_names, set_level
from settings import Settings, SettingsError, load_settings

EXIT_REJECTED = 1
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 3
EXIT_INTERRUPTED = 130

AsJson = Annotated[bool, typer.Option("--json", help="Prints JSON.")]

T = TypeVar("T")


class Build(Protocol):
    """Builds the library that the settings describe."""

    def __call__(self, settings: Settings, others: Sequence[str] = ()) -> ImageLibrary:
        """Returns a library that offers the `others` beside the models of the settings. Connects to nothing yet."""
        ...


@dataclass(frozen=True)
class Session:
    """Holds what a command works with: the settings, and how to build the library from them."""

    build: Build
    settings: Settings

    @contextmanager
    def library(
        self, with_model: bool = True, others: Sequence[str] = (), few_pictures: bool = False
    ) -> Iterator[ImageLibrary]:
        """Opens the library, whose model loads in the background; Milvus is connected to when it is first needed.

        `few_pictures` are decoded in this process: another is not worth its start for them.
        """
        set_level(self.settings.log_level or "warning")
        log_names(self.settings.log_names)
        settings = self.settings.model_copy(update={"decode_apart": False}) if few_pictures else self.settings
        library = self.build(settings, others)
        if with_model:
            threading.Thread(target=_load_model, args=[library], name="model", daemon=True).start()
        try:
            yield library
        finally:
            library.close()


def _load_model(library: ImageLibrary) -> None:
    with suppress(LikenessError):  # whatever needs the model raises it again
        library.open()


def exit_after(interrupted: threading.Event, some_rejected: bool) -> None:
    """Ends the program with the code of a run that was interrupted, or that rejected files."""
    if interrupted.is_set():
        raise typer.Exit(EXIT_INTERRUPTED)
    if some_rejected:
        raise typer.Exit(EXIT_REJECTED)


def with_progress(items: Iterable[T], total: int | None, what: str) -> Iterator[T]:
    """Passes the items on and shows on stderr how many there were."""
    from rich.console import Console
    from rich.progress import track

    yield from track(items, what, total=total, console=Console(stderr=True))


@contextmanager
def progress_bars() -> Iterator[Any]:
    """Yields what shows a progress on stderr: given what is done, how much of it, and of how many."""
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
    """Yields an event that the first Ctrl-C sets, so that the batch in hand is finished; a second one ends at once."""
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
    """Returns the settings, or ends the program with what is wrong with them."""
    try:
        return load_settings()
    except SettingsError as error:
        fail(str(error), EXIT_USAGE)


@contextmanager
def failures_as_exit_codes() -> Iterator[None]:
    """Ends the program with the sentence of an error, and with a code that says of which kind it was."""
    try:
        yield
    except (IndexUnavailable, StoreUnavailable, SourceUnavailable, ModelUnavailable) as error:
        fail(str(error), EXIT_UNAVAILABLE)
    except LikenessError as error:
        fail(str(error), EXIT_USAGE)
    except OSError as error:
        if is_full(error):
            fail(str(StoreUnavailable("disk_full")), EXIT_UNAVAILABLE)
        if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):  # as tempfile has it
            fail(str(StoreUnavailable("no_temporary_folder")), EXIT_UNAVAILABLE)
        raise


def fail(message: str, code: int) -> NoReturn:
    """Ends the program with a sentence on stderr and an exit code."""
    echo(message, err=True)
    raise typer.Exit(code)
