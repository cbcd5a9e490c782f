"""Serves the page: launches it, watches sources beside it, and stops in order on a signal."""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from encoders import zerogpu
from library.errors import AddressUnavailable, LikenessError, UnknownModel
from public_demo import Demo, is_demo, is_space
from runtime import (
    Stop,
    adopt,
    bypass_proxies,
    collect_garbage,
    log_names,
    on_signal,
    set_level,
    signalled,
    use_upload_folder_of_its_own,
)
from settings import Settings, SettingsError

if TYPE_CHECKING:
    from subprocess import Popen

    from gradio import Blocks

    from library.image_library import ImageLibrary
    from library.ingest.items import Item
    from library.ingest.watch import OnProgress, WatchConfig, Watching
    from library.ingest.watch_source import WatchSource
    from library.ingest.watcher import Add
    from ui.guards.hosts import AllowedHosts

logger = logging.getLogger("likeness")

HUB = ("https://huggingface.co", "https://*.hf.space")  # shows a Space in a frame
GARBAGE_AFTER = 10  # seconds: by then the model's packages are imported
STOP_WITHIN = 8  # seconds: containers are killed after 10, and a busy machine takes one or two over it

Build = Callable[[Settings], "ImageLibrary"]


class Host(Protocol):
    """Runs the commands of other processes over the library that is open."""

    def start(self) -> None:
        """Begins to listen for commands."""
        ...

    def close(self) -> None:
        """Stops the commands in order."""
        ...


HostFor = Callable[[Settings, "ImageLibrary"], Host]


def serve(
    settings: Settings, build: Build, watched: "WatchConfig | None" = None, host_for: HostFor | None = None
) -> None:
    """Serves the page, and watches the sources of `watched`, until SIGTERM or Ctrl-C.

    `host_for` makes what runs the commands of other processes meanwhile.

    Raises UnknownModel if CLIP_MODEL turns out to be no model, UnknownStore for an IMAGE_STORE that is none,
    UnknownSource or SourceUnavailable for what cannot be watched, AddressUnavailable where the page cannot be served.
    """
    if settings.mcp and not find_spec("mcp"):
        raise SettingsError("mcp_needs_package")
    sources = watch_sources(watched, settings) if watched else []
    use_upload_folder_of_its_own()
    if zerogpu.is_chosen(settings.clip_device):
        zerogpu.accept()
    os.environ.pop("GRADIO_SERVER_NAME", None)  # Gradio would probe the port there, which it can in IPv4 only
    import_module("ui.quick_import").leave_out_stubs()
    import_module("ui.page")  # takes seconds, in which a signal still ends the process at once
    set_level(settings.log_level or "info")
    log_names(settings.log_names)
    settings = settings.model_copy(update={"data_dir": settings.data_dir.absolute()})
    library = build(settings)
    stop = signalled()
    _log_start(settings)
    server = _Server(settings, library, stop, host_for(settings, library) if host_for else None)
    server.start()
    if watched:
        server.watch(sources, watched)
    stop.wait()
    server.close()
    if server.no_model:
        raise server.no_model


def watch_sources(config: "WatchConfig", settings: Settings) -> list["WatchSource"]:
    """Returns the sources to watch. Raises UnknownSource or SourceUnavailable."""
    from db.sources.watching import watched

    return [watched(source, settings.own_folders, config.sidecars) for source in config.sources]


def new_watching(
    sources: Sequence["WatchSource"],
    config: "WatchConfig",
    settings: Settings,
    library: "ImageLibrary",
    add_from: "Callable[[str], Add]",
    on_progress: "OnProgress" = lambda *_: None,
) -> "Watching":
    """Returns the watching of all sources, not yet started; `add_from` says how pictures of a source are added."""
    from db.files.line_file import LineFile
    from library.ingest.watch import Watching, memory_file
    from library.ingest.watch_state import WatchState
    from library.ingest.watcher import Watcher

    index = f"{settings.milvus_uri} {settings.milvus_db} {settings.clip_model}"
    watchers = []
    for source in sources:
        file = memory_file(settings.watch_folder, source.name, str(settings.image_root))
        state = WatchState(LineFile(file), index)
        watchers.append(Watcher(source, library, add_from(source.name), state, config.delete))
    return Watching(watchers, config.every, on_progress)


class _Server:
    """Serves the page of one library, from its launch until it is closed."""

    def __init__(self, settings: Settings, library: "ImageLibrary", stop: Stop, host: Host | None) -> None:
        from library.ingest.runs import Worker
        from library.running.sweeper import Sweeper
        from library.trash.trash import SWEPT_EVERY, UNFINISHED_AFTER

        self.no_model: UnknownModel | None = None
        self._settings = settings
        self._library = library
        self._stop = stop
        self._host = host
        self._worker = Worker(library)
        self._launched = threading.Event()
        self._watching: Watching | None = None
        soon = UNFINISHED_AFTER.total_seconds() + 1  # when what a kill has left counts as such
        self._trash = Sweeper("trash", library.trash.sweep, SWEPT_EVERY, again_after=soon)
        self._demo = Demo(settings, library) if is_demo(settings) else None

    def start(self) -> None:
        """Loads the model in the background and launches the page. Raises AddressUnavailable."""
        if zerogpu.is_chosen(self._settings.clip_device):
            error = self._load_model()  # the GPU is lent for what is placed before the launch
            self._add_samples()
            self._launch()
            _in_background(lambda: self._go_on(error))
        else:
            _in_background(lambda: self._go_on(self._load_model()))
            self._add_samples()
            self._launch()
        self._launched.set()
        _begin_later(GARBAGE_AFTER, collect_garbage)
        if self._host:
            self._host.start()
        self._trash.start()
        if self._demo:
            self._demo.sweeper.start()

    def watch(self, sources: Sequence["WatchSource"], config: "WatchConfig") -> None:
        from library.ingest.watch import through

        add_from = partial(through, self._worker)
        self._watching = new_watching(sources, config, self._settings, self._library, add_from)
        self._watching.start()
        logger.info("watching %s", ", ".join(source.name for source in sources))

    def close(self) -> None:
        """Finishes the batch in hand; what a slow disk or a silent Milvus would hold up is left to the next run."""
        logger.info("stopping")
        node = getattr(self._page, "node_process", None)  # renders the page on the server, where it does
        _begin_later(STOP_WITHIN, _give_up, node)
        self._trash.stop()
        if self._demo:
            self._demo.sweeper.stop()
        if self._watching:
            self._watching.stop()
        self._library.models.stop_waiting()
        commands = threading.Thread(target=self._host.close, daemon=True) if self._host else None
        if commands:
            commands.start()
        # Beside each other, since the page waits a while for browsers that stay connected.
        closing = threading.Thread(target=self._page.close, kwargs={"verbose": False}, daemon=True)
        closing.start()
        if self._demo:
            self._demo.worker.close()
        self._worker.close()
        if self._watching:
            self._watching.wait()
        closing.join()
        if commands:
            commands.join()
        if node:
            node.kill()
            node.wait()
        if self._demo:
            self._demo.spaces.close()
        self._library.close()
        logger.info("stopped")

    def _load_model(self) -> LikenessError | None:
        try:
            self._library.open()
        except LikenessError as error:
            return error
        return None

    def _go_on(self, error: LikenessError | None) -> None:
        """Prepares for the first query once a model is loaded; without any model, ends the app."""
        if error is None:
            self._library.status()  # opens the collection before the first query has to
            self._library.calibrate()
        elif not self._stop.is_set:
            logger.error("model %s failed: %s", self._settings.clip_model, error)
        if isinstance(error, UnknownModel):
            self.no_model = error
            self._stop.set()

    def _add_samples(self) -> None:
        """Fills an empty Space, whose disk is empty after every restart, and an empty demo."""
        from library.samples.pictures import sample_items

        if (is_space() or self._demo) and self._library.status().pictures == 0:
            self._worker.start(_after(self._launched, sample_items()), "samples")

    def _launch(self) -> None:
        from ui.binding import free_port, in_url
        from ui.mcp import check_started
        from ui.page import launch_options

        settings = self._settings
        port = free_port(settings.gradio_server_name, settings.gradio_server_port)
        bypass_proxies(settings.gradio_server_name)
        os.environ["FORWARDED_ALLOW_IPS"] = settings.forwarded_allow_ips  # empty, too: uvicorn would trust loopback
        self._page = self._build_page()
        try:
            _, url, public_url = self._page.launch(
                server_name=in_url(settings.gradio_server_name),
                server_port=port,
                root_path=settings.gradio_root_path or None,
                share=settings.gradio_share,
                prevent_thread_lock=True,
                quiet=True,
                **launch_options(
                    self._demo.library if self._demo else self._library,
                    settings.accounts,
                    settings.mcp,
                    _allowed_hosts(settings),
                    settings.allowed_edits,
                    self._demo.desk if self._demo else None,
                    settings.queue,
                ),
            )
        except OSError as error:  # another program was faster
            raise AddressUnavailable("port_in_use", port=str(port)) from error
        on_signal(self._stop)  # where Gradio renders on the server, it has put its own in the place of ours
        if settings.mcp:
            check_started(self._page)
        adopt("uvicorn", "uvicorn.access")
        local_url = url.replace("[::]", "[::1]")  # all addresses, of which this one can be opened
        logger.info("open %s", " or ".join(filter(None, [local_url, public_url])))

    def _build_page(self) -> "Blocks":
        from db.files.backup_folder import OF_APP, backups_in
        from db.files.evaluations import EvaluationFiles
        from db.sources.files import AllowedSources
        from ui.page import build_page

        settings = self._settings
        sources = AllowedSources(settings.source_prefixes, settings.own_folders)
        evaluations = EvaluationFiles(settings.evaluations_folder)
        backups = backups_in(settings.data_dir / OF_APP, settings.small_files)
        edits = settings.allowed_edits
        library, worker, desk = self._library, self._worker, None
        if self._demo:
            library, worker, desk = self._demo.library, self._demo.worker, self._demo.desk
        kept = None if self._demo else backups
        return build_page(library, worker, edits, settings.mcp, sources, evaluations, kept, desk, settings.queue)


def _allowed_hosts(settings: Settings) -> "AllowedHosts":
    from ui.guards.hosts import AllowedHosts

    framed_by = HUB if is_space() else ()
    return AllowedHosts(settings.answered_hosts, settings.other_hosts, framed_by)


def _log_start(settings: Settings) -> None:
    from db.milvus.server import without_login

    logger.info(
        "starting: pictures in %s, model %s, %s, edits %s, %s",
        settings.image_root,
        settings.clip_model,
        f"Milvus at {without_login(settings.milvus_uri)}" if settings.milvus_uri else "Milvus Lite",
        settings.allowed_edits,
        f"sign-in for {len(settings.accounts)}" if settings.accounts else "no sign-in",
    )
    for place in missing(settings.source_prefixes):
        logger.warning("SOURCES_ALLOWED names %s, which is not there: nothing can be added from it.", place)


def missing(places: Iterable[str]) -> list[str]:
    """Returns those of the places that are folders of this machine and not there."""
    return [place for place in places if "://" not in place and not os.path.exists(place)]


def _after(event: threading.Event, items: "Iterable[Item]") -> "Iterator[Item]":
    """Yields the items once the event, that the page is served, is set: ZeroGPU lends no GPU before."""
    event.wait()
    yield from items


def _give_up(node: "Popen[bytes] | None") -> None:
    logger.error("not everything was finished in %d s; what was kept is complete", STOP_WITHIN)
    if node:
        node.kill()
    os._exit(1)


def _begin_later(seconds: float, work: Callable[..., object], *given: object) -> None:
    timer = threading.Timer(seconds, work, given)
    timer.daemon = True
    timer.start()


def _in_background(work: Callable[[], object]) -> None:
    """Runs on a daemon thread, so that an app that is told to stop never waits for a download."""
    threading.Thread(target=work, name="model", daemon=True).start()
