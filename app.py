"""Puts the rooms together: the only place that knows them all. `python app.py` serves the page."""

import logging
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from encoders import zerogpu
from library.errors import LikenessError, UnknownModel
from runtime import adopt, on_signal, prepare_process, set_level, signalled, use_upload_folder_of_its_own
from settings import Settings, SettingsError, is_space

if TYPE_CHECKING:
    from subprocess import Popen

    from gradio import Blocks

    from library.evaluation.config import EvaluationConfig
    from library.evaluation.labels import OnProgress as OnEvaluationProgress
    from library.image_library import ImageLibrary
    from library.ingest.items import Item
    from library.ingest.runs import Worker
    from library.ingest.watch import OnProgress, WatchConfig, Watching
    from library.ingest.watch_source import Source
    from library.ingest.watcher import Add
    from library.models import ModelSource
    from library.ports import Encoder, ImageStore, VectorDatabase

logger = logging.getLogger("likeness")

EVALUATIONS = "evaluations"  # a folder under DATA_DIR
NPROBE_CHOICES = "nprobe.json"
DECISIONS = "near-duplicates.jsonl"
WATCHED = "watch"  # the folder under DATA_DIR that remembers what was taken in
FALLBACK = "small"
STOP_WITHIN = 9  # seconds: containers are killed after 10


def open_library(settings: Settings, with_model: bool = True, others: Sequence[str] = ()) -> "ImageLibrary":
    """Connects nothing and waits for nothing: the model loads in the background, Milvus when first asked.

    `others` are models to offer beside those of the settings.
    """
    set_level(settings.log_level or "warning")
    library = _library(settings, _store(settings), others)
    if with_model:
        _in_background(lambda: _load_model(library))
    return library


def serve(settings: Settings, order: "WatchConfig | None" = None) -> None:
    """Serves the page, and watches what is ordered, until SIGTERM or Ctrl-C.

    Raises UnknownModel if CLIP_MODEL turns out to be no model, UnknownSource or SourceUnavailable for what cannot be
    watched.
    """
    if settings.mcp and not find_spec("mcp"):
        raise SettingsError('MCP=1 needs one more package: pip install "gradio[mcp]"')
    sources = _sources(order, settings) if order else []
    use_upload_folder_of_its_own()
    if borrows_gpu := _borrows_gpu(settings):
        zerogpu.accept()
    from db.files.evaluations import EvaluationFiles
    from db.milvus.server import without_login
    from db.sources.files import AllowedSources
    from library.ingest.runs import Worker
    from library.ingest.watch import through
    from library.samples.pictures import sample_items
    from ui.mcp import offer_tools
    from ui.page import build_page, launch_options

    set_level(settings.log_level or "info")
    stop = signalled()
    store = _store(settings)
    logger.info(
        "starting: pictures in %s, model %s, %s, edits %s, %s",
        settings.image_root,
        settings.clip_model,
        f"Milvus at {without_login(settings.milvus_uri)}" if settings.milvus_uri else "Milvus Lite",
        settings.allowed_edits,
        f"sign-in for {len(settings.accounts)}" if settings.accounts else "no sign-in",
    )
    library = _library(settings, store)
    no_model: list[UnknownModel] = []
    launched = threading.Event()

    def answer(error: LikenessError | None) -> None:
        if error is None:
            library.status()  # opens the collection before the first query has to
            library.calibrate()
        elif not stop.is_set:
            logger.error("model %s failed: %s", settings.clip_model, error)
        if isinstance(error, UnknownModel):
            no_model.append(error)
            stop.set()

    if borrows_gpu:
        loaded = _load_model(library)  # the GPU is lent for what is placed before the launch
    else:
        _in_background(lambda: answer(_load_model(library)))
    worker = Worker(library)
    if is_space() and library.status().pictures == 0:  # its disk is empty after every restart
        worker.start(_after(launched, sample_items()), "samples")
    sources_allowed = AllowedSources(settings.source_prefixes)
    evaluations = EvaluationFiles(settings.data_dir / EVALUATIONS)
    page = build_page(library, worker, settings.allowed_edits, settings.mcp, sources_allowed, evaluations)
    try:
        _, url, public_url = page.launch(
            server_name=settings.gradio_server_name,
            server_port=settings.gradio_server_port,
            root_path=settings.gradio_root_path or None,
            share=settings.gradio_share,
            prevent_thread_lock=True,
            quiet=True,
            **launch_options(library, settings.accounts, settings.mcp),
        )
    except OSError as error:  # gradio found no free port
        raise SettingsError(f"GRADIO_SERVER_PORT={settings.gradio_server_port} is not free. Set another.") from error
    if borrows_gpu:
        _in_background(lambda: answer(loaded))
    launched.set()
    on_signal(stop)  # where Gradio renders on the server, it has put its own in the place of ours
    if settings.mcp:
        offer_tools(page)
    adopt("uvicorn", "uvicorn.access")
    logger.info("open %s", " or ".join(filter(None, [url, public_url])))
    watching = None
    if order:
        watching = _watching(sources, order, settings, library, partial(through, worker), lambda *_: None)
        watching.start()
        logger.info("watching %s", ", ".join(source.name for source in sources))
    stop.wait()
    _close(page, worker, library, watching)
    logger.info("stopped")
    if no_model:
        raise no_model[0]


def watch(settings: Settings, order: "WatchConfig", on_progress: "OnProgress") -> None:
    """Takes in what appears at the sources until SIGTERM or Ctrl-C.

    What is away at the start ends it at once, as for every command; what goes away later is waited for.
    """
    sources = _sources(order, settings)
    library = open_library(settings)

    def add_from(source: str) -> "Add":
        return partial(library.add, in_place=order.in_place, source=source)

    try:
        library.count_rows()
        stop = signalled()
        watching = _watching(sources, order, settings, library, add_from, on_progress)
        watching.start()
        stop.wait()
        watching.stop()
        watching.wait()
    finally:
        library.close()


def evaluate(
    settings: Settings,
    models: Sequence[str],
    items: "Iterable[Item]",
    order: "EvaluationConfig",
    source: str,
    on_progress: "OnEvaluationProgress",
    should_stop: Callable[[], bool],
) -> tuple[dict[str, Any], str] | None:
    """Loads the models, the chosen one if none is named, and keeps the figures under DATA_DIR.

    Raises InvalidEvaluation, UnknownModel or ModelUnavailable: no other model stands in.
    """
    set_level(settings.log_level or "warning")
    from db.files.evaluations import EvaluationFiles
    from library.evaluation.evaluate import check
    from library.evaluation.evaluate import evaluate as measured

    check(items, order)
    encoders = [_source(name, settings).load() for name in models or [settings.clip_model]]
    found = measured(items, order, encoders, lambda: _passing_database(settings), source, on_progress, should_stop)
    return (found, EvaluationFiles(settings.data_dir / EVALUATIONS).add(found)) if found else None


@contextmanager
def _passing_database(settings: Settings) -> "Iterator[VectorDatabase]":
    """A Milvus Lite of its own, of which nothing stays."""
    from db.files.nprobe_choices import NprobeChoices
    from db.milvus.database import Milvus

    with tempfile.TemporaryDirectory(prefix="likeness-evaluation-") as folder:
        choices = NprobeChoices(settings.data_dir / NPROBE_CHOICES)
        database = Milvus(Path(folder) / "milvus.db", release_after=None, choices=choices)
        try:
            yield database
        finally:
            database.close()


def _sources(order: "WatchConfig", settings: Settings) -> list["Source"]:
    """Raises UnknownSource or SourceUnavailable."""
    from db.sources.watching import watched

    own = [place for place in (settings.data_dir, settings.image_root) if isinstance(place, Path)]
    return [watched(source, own) for source in order.sources]


def _watching(
    sources: Sequence["Source"],
    order: "WatchConfig",
    settings: Settings,
    library: "ImageLibrary",
    add_from: "Callable[[str], Add]",
    on_progress: "OnProgress",
) -> "Watching":
    from db.files.line_file import LineFile
    from library.ingest.watch import Watching, memory_file
    from library.ingest.watch_state import WatchState
    from library.ingest.watcher import Watcher

    index = f"{settings.milvus_uri} {settings.milvus_db} {settings.clip_model}"
    watchers = []
    for source in sources:
        file = memory_file(settings.data_dir / WATCHED, source.name, str(settings.image_root))
        watchers.append(
            Watcher(source, library, add_from(source.name), WatchState(LineFile(file), index), order.delete)
        )
    return Watching(watchers, order.every, on_progress)


def _after(event: threading.Event, items: "Iterable[Item]") -> "Iterator[Item]":
    """Until then no GPU is lent."""
    event.wait()
    yield from items


def _close(page: "Blocks", worker: "Worker", library: "ImageLibrary", watching: "Watching | None") -> None:
    """Finishes the batch in hand; what a slow disk or a silent Milvus would hold up is left to the next run."""
    logger.info("stopping after the batch in hand")
    node = getattr(page, "node_process", None)  # renders the page on the server, where it does
    last_resort = threading.Timer(STOP_WITHIN, _give_up, [node])
    last_resort.daemon = True
    last_resort.start()
    if watching:
        watching.stop()
    library.models.stop_waiting()
    # Beside each other, since the page waits a while for browsers that stay connected.
    closing = threading.Thread(target=page.close, kwargs={"verbose": False}, daemon=True)
    closing.start()
    worker.close()
    if watching:
        watching.wait()
    closing.join()
    if node:
        node.kill()
        node.wait()
    library.close()


def _give_up(node: "Popen[bytes] | None") -> None:
    logger.error("not everything was finished in %d s; what was kept is complete", STOP_WITHIN)
    if node:
        node.kill()
    os._exit(1)


def _in_background(work: Callable[[], object]) -> None:
    """On a daemon thread, so that an app that is told to stop never waits for a download."""
    threading.Thread(target=work, name="model", daemon=True).start()


def _load_model(library: "ImageLibrary") -> LikenessError | None:
    try:
        library.open()
    except LikenessError as error:
        return error
    return None


def _source(name: str, settings: Settings) -> "ModelSource":
    from library.models import ModelSource

    def load() -> "Encoder":
        text_model = settings.clip_text_model if name == settings.clip_model else ""
        if _borrows_gpu(settings) and zerogpu.can_place():
            from encoders.zerogpu_encoder import load_zerogpu

            return load_zerogpu(name, settings.clip_dtype, text_model)
        from encoders.loading import load_encoder

        device = "cpu" if _borrows_gpu(settings) else settings.clip_device
        return load_encoder(name, device, settings.clip_dtype, text_model)

    return ModelSource(name, load)


def _further_source(name: str, settings: Settings) -> "ModelSource":
    """One beside the chosen: visitors read its name, and no setting of theirs is wrong where it cannot be had."""
    from library.models import ModelSource, display_name

    source = _source(name, settings)

    def load() -> "Encoder":
        try:
            return source.load()
        except LikenessError as error:
            raise type(error)(str(error).replace(f"CLIP_MODEL={name}", f"The model {display_name(name)}")) from error

    return ModelSource(display_name(name), load)


def _check_told_apart(chosen: str, names: Iterable[str]) -> None:
    """Raises UnknownModel for two that would be known by one name."""
    from library.models import display_name

    known = {FALLBACK: FALLBACK, display_name(chosen): chosen}
    for name in names:
        if known.setdefault(display_name(name), name) != name:
            raise UnknownModel(f"Two models would be called {display_name(name)}: rename the folder of one.")


def _borrows_gpu(settings: Settings) -> bool:
    return settings.clip_device == "auto" and zerogpu.is_offered()


def _store(settings: Settings) -> "ImageStore":
    if isinstance(settings.image_root, Path):
        from db.images.local import LocalImageStore

        return LocalImageStore(settings.image_root)
    from db.images.object import ObjectStore

    return ObjectStore(settings.image_root)


def _library(settings: Settings, store: "ImageStore", others: Sequence[str] = ()) -> "ImageLibrary":
    # Imported only now: pymilvus reads MILVUS_URI as it is imported, and the settings have checked it before.
    from db.files.decisions import DecisionFile
    from db.files.nprobe_choices import NprobeChoices
    from db.files.run_log import RunLog
    from db.milvus.database import Milvus
    from db.sources.readers import SourceReader
    from library.image_library import ImageLibrary
    from library.models import Models

    database = Milvus(
        settings.milvus_uri or settings.lite_path,
        token=settings.milvus_token,
        db_name=settings.milvus_db,
        release_after=settings.release_after,
        choices=NprobeChoices(settings.data_dir / NPROBE_CHOICES),
    )
    fallback = None if settings.clip_model == FALLBACK else _source(FALLBACK, settings)
    names = dict.fromkeys(name for name in (*settings.other_models, *others) if name != settings.clip_model)
    _check_told_apart(settings.clip_model, names)
    further = [_further_source(name, settings) for name in names]
    return ImageLibrary(
        store,
        Models(_source(settings.clip_model, settings), fallback, further, settings.models_release_after),
        database,
        SourceReader().read,
        RunLog(settings.data_dir / "runs.jsonl"),
        DecisionFile(settings.data_dir / DECISIONS),
    )


def main() -> None:
    prepare_process()
    from commands.main import commands
    from commands.session import Rooms
    from db.files.hit_files import hit_file
    from db.files.packs import new_pack, open_pack
    from db.sources.files import items_from
    from db.sources.query_tables import queries_from

    rooms = Rooms(open_library, serve, watch, items_from, new_pack, open_pack, evaluate, queries_from, hit_file)
    commands(obj=rooms)


if __name__ == "__main__":
    main()
