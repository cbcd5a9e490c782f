"""Gives every command what it works with: the library of the settings, exit codes, progress, Ctrl-C."""

import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn, Protocol, TypeVar

import typer

from commands.client import send_to_app
from commands.exit_codes import EXIT_INTERRUPTED, EXIT_REJECTED, EXIT_UNAVAILABLE, EXIT_USAGE
from commands.output import echo
from commands.start import end_at_once
from commands.terminal import console, current
from db.milvus.quick_import import import_quickly
from library.errors import (
    IndexUnavailable,
    LikenessError,
    ModelUnavailable,
    SourceUnavailable,
    StoreUnavailable,
)
from library.image_library import ImageLibrary
from library.running.disk import is_full
from library.running.progress import Total, so_far
from runtime import Stop, collect_garbage, log_names, set_level, signalled
from settings import Settings, SettingsError, load_settings

AsJson = Annotated[bool, typer.Option("--json", help="Prints JSON.")]

T = TypeVar("T")


class Build(Protocol):
    """Builds the library that the settings describe."""

    def __call__(self, settings: Settings, others: Sequence[str] = (), texts_first: bool = False) -> ImageLibrary:
        """Returns a library that offers the `others` beside the models of the settings. Connects to nothing yet.

        With `texts_first` its models are loaded whole only once a picture is to be encoded.
        """
        ...


@dataclass(frozen=True)
class Session:
    """Holds what a command works with: the settings, and how to build the library from them."""

    build: Build
    settings: Settings

    @contextmanager
    def library(
        self,
        with_model: bool = True,
        others: Sequence[str] = (),
        few_pictures: bool = False,
        encodes_pictures: bool = False,
    ) -> Iterator[ImageLibrary]:
        """Opens the library, whose model loads in the background; Milvus is connected to when it is first needed.

        `few_pictures` are decoded in this process: another is not worth its start for them. A command that
        `encodes_pictures` has its model loaded whole from the start.
        """
        self.set_up_log()
        log_names(self.settings.log_names)
        settings = self.settings.model_copy(update={"decode_apart": False}) if few_pictures else self.settings
        import_quickly()
        library = self.build(settings, others, texts_first=not encodes_pictures)
        if with_model:
            threading.Thread(target=_load_model, args=[library], name="model", daemon=True).start()
        else:
            collect_garbage()
        try:
            with _interruptible():
                yield library
        finally:
            library.close()

    def set_up_log(self) -> None:
        """Logs warnings and worse, unless LOG_LEVEL says otherwise."""
        set_level(self.settings.log_level or "warning")


@dataclass(frozen=True)
class HostedSession(Session):
    """Holds what a command works with that runs in the app: the library that the app has open."""

    opened: ImageLibrary

    @contextmanager
    def library(
        self,
        with_model: bool = True,
        others: Sequence[str] = (),
        few_pictures: bool = False,
        encodes_pictures: bool = False,
    ) -> Iterator[ImageLibrary]:
        """Yields the library of the app, which stays open."""
        yield self.opened

    def set_up_log(self) -> None:
        """Leaves the log, which is that of the app, as it is."""


@contextmanager
def _interruptible() -> Iterator[None]:
    """Raises KeyboardInterrupt at the first Ctrl-C within the block, so that what was begun is put away, and ends the
    process at once at a second one; leaves other handlers of Ctrl-C than that of the start alone."""
    if signal.getsignal(signal.SIGINT) is not end_at_once:
        yield
        return

    def raise_once(*_: object) -> NoReturn:
        signal.signal(signal.SIGINT, end_at_once)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, raise_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, end_at_once)


@contextmanager
def stop_signalled() -> Iterator[Stop]:
    """Yields what SIGTERM or Ctrl-C tells to stop."""
    terminal = current()
    if terminal is None:
        yield signalled()
        return
    stop = Stop()
    with terminal.stopping(stop.set):
        yield stop


def _load_model(library: ImageLibrary) -> None:
    try:
        library.open()
    except LikenessError:
        pass  # whatever needs the model raises it again
    finally:
        collect_garbage()


def exit_after(interrupted: threading.Event, some_rejected: bool) -> None:
    """Ends the program with the code of a run that was interrupted, or that rejected files."""
    if interrupted.is_set():
        fail("Stopped before the end: run the same command again for the rest.", EXIT_INTERRUPTED)
    if some_rejected:
        raise typer.Exit(EXIT_REJECTED)


def with_progress(items: Iterable[T], total: Total, what: str) -> Iterator[T]:
    """Passes the items on and shows on stderr how many there were."""
    from rich.progress import Progress

    with Progress(console=console()) as progress:
        bar = progress.add_task(what, total=so_far(total))
        for item in items:
            yield item
            progress.update(bar, advance=1, total=so_far(total))


@contextmanager
def progress_bars() -> Iterator[Any]:
    """Yields what shows a progress on stderr: given what is done, how much of it, and of how many."""
    from rich.progress import Progress

    with Progress(console=console(), transient=True) as progress:
        bars: dict[str, Any] = {}

        def on_progress(what: str, done: int, total: int | None) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what, total=total)
            progress.update(bars[what], completed=done)

        yield on_progress


@contextmanager
def interrupt() -> Iterator[threading.Event]:
    """Yields an event that the first SIGTERM or Ctrl-C sets, so that the batch in hand is finished; a second one ends
    the process at once."""
    pressed = threading.Event()
    if terminal := current():
        with terminal.stopping(pressed.set):
            yield pressed
        return

    def on_signal(*_: object) -> None:
        restore()
        pressed.set()

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in previous:
        signal.signal(number, on_signal)
    try:
        yield pressed
    finally:
        restore()


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
        if error.message.code == "lite_in_use" and (code := _sent_to_app()) is not None:
            raise typer.Exit(code) from error
        fail(str(error), EXIT_UNAVAILABLE)
    except LikenessError as error:
        fail(str(error), EXIT_USAGE)
    except OSError as error:
        if is_full(error):
            fail(str(StoreUnavailable("disk_full")), EXIT_UNAVAILABLE)
        if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):  # as tempfile has it
            fail(str(StoreUnavailable("no_temporary_folder")), EXIT_UNAVAILABLE)
        raise


def _sent_to_app() -> int | None:
    """Runs the command in an app that has opened the library since the command began; returns its exit code, or None
    where there is none."""
    return send_to_app(sys.argv[1:]) if current() is None else None


def fail(message: str, code: int) -> NoReturn:
    """Ends the program with a sentence on stderr and an exit code."""
    echo(message, err=True)
    raise typer.Exit(code)
