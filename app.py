"""Puts the rooms together: the only place that knows them all. `python app.py` serves the page."""

import atexit
import logging
import os
import re
import shutil
import signal
import tempfile
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from library.errors import ModelUnavailable, UnknownModel
from logs import adopt, set_level, start_logging
from settings import Settings, SettingsError

if TYPE_CHECKING:
    from gradio import Blocks

    from library.image_library import ImageLibrary
    from library.ports import Encoder, ImageStore
    from library.runs import Worker

logger = logging.getLogger("likeness")

UPLOADS = "likeness-uploads-"
STOP_WITHIN = 9  # seconds: containers are killed after 10

T = TypeVar("T")


def open_library(settings: Settings, with_model: bool = True) -> "ImageLibrary":
    """Connects nothing and waits for nothing: the model loads in the background, Milvus when first asked."""
    set_level(settings.log_level or "warning")
    store = _store(settings)
    return _library(settings, store, _loading_encoder(settings) if with_model else Future())


def serve(settings: Settings) -> None:
    """Serves the page until SIGTERM or Ctrl-C. Raises UnknownModel if CLIP_MODEL turns out to be no model."""
    if settings.mcp and not find_spec("mcp"):
        raise SettingsError('MCP=1 needs one more package: pip install "gradio[mcp]"')
    _use_upload_folder_of_its_own()
    from db.milvus import without_login
    from library.runs import Worker
    from ui.mcp_tools import offer_tools
    from ui.page import build_page, launch_options

    set_level(settings.log_level or "info")
    stop = _signalled()
    store = _store(settings)
    logger.info(
        "starting: pictures in %s, model %s, %s, edits %s, %s",
        settings.image_root,
        settings.clip_model,
        f"Milvus at {without_login(settings.milvus_uri)}" if settings.milvus_uri else "Milvus Lite",
        settings.allowed_edits,
        f"sign-in for {len(settings.accounts)}" if settings.accounts else "no sign-in",
    )
    encoder = _loading_encoder(settings)
    library = _library(settings, store, encoder)

    def on_model(loaded: "Future[Encoder]") -> None:
        error = loaded.exception()
        if error and not stop.is_set():
            logger.error("model %s failed: %s", settings.clip_model, error)
        if isinstance(error, UnknownModel):
            stop.set()
        elif not error:
            library.status()  # opens the collection before the first query has to

    encoder.add_done_callback(on_model)
    worker = Worker(library)
    page = build_page(library, worker, settings.allowed_edits, settings.mcp)
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
    if settings.mcp:
        offer_tools(page)
    adopt("uvicorn", "uvicorn.access")
    logger.info("open %s", " or ".join(filter(None, [url, public_url])))
    stop.wait()
    _close(page, worker, library, encoder)
    logger.info("stopped")
    if isinstance(encoder.exception(), UnknownModel):
        encoder.result()


def _signalled() -> threading.Event:
    """Set by the first SIGTERM or Ctrl-C; a second one ends the process at once."""
    stop = threading.Event()

    def on_signal(*_: object) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    return stop


def _close(page: "Blocks", worker: "Worker", library: "ImageLibrary", encoder: "Future[Encoder]") -> None:
    """Finishes the batch in hand; what a slow disk or a silent Milvus would hold up is left to the next run."""
    logger.info("stopping after the batch in hand")
    last_resort = threading.Timer(STOP_WITHIN, _give_up)
    last_resort.daemon = True
    last_resort.start()
    with suppress(InvalidStateError):  # whoever waits for the model waits no longer
        encoder.set_exception(ModelUnavailable("The app is stopping."))
    # Beside each other, since the page waits a while for browsers that stay connected.
    closing = threading.Thread(target=page.close, kwargs={"verbose": False}, daemon=True)
    closing.start()
    worker.close()
    closing.join()
    library.close()


def _give_up() -> None:
    logger.error("not everything was finished in %d s; what was kept is complete", STOP_WITHIN)
    os._exit(1)


def in_background(work: Callable[[], T]) -> Future[T]:
    """Runs on a daemon thread, so that an app that is told to stop never waits for a download."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = work()
        except Exception as error:
            with suppress(InvalidStateError):  # the app is stopping
                future.set_exception(error)
        else:
            with suppress(InvalidStateError):
                future.set_result(result)

    threading.Thread(target=run, name="model", daemon=True).start()
    return future


def _loading_encoder(settings: Settings) -> "Future[Encoder]":
    def load() -> "Encoder":
        from encoders.clip import load_encoder

        return load_encoder(settings.clip_model, settings.clip_device, settings.clip_dtype)

    return in_background(load)


def _store(settings: Settings) -> "ImageStore":
    if isinstance(settings.image_root, Path):
        from db.image_store import LocalImageStore

        return LocalImageStore(settings.image_root)
    from db.object_store import ObjectStore

    return ObjectStore(settings.image_root)


def _library(settings: Settings, store: "ImageStore", encoder: "Future[Encoder]") -> "ImageLibrary":
    # Imported only now: pymilvus reads MILVUS_URI as it is imported, and the settings have checked it before.
    from db.milvus import Milvus
    from library.image_library import ImageLibrary

    database = Milvus(
        settings.milvus_uri or settings.lite_path,
        token=settings.milvus_token,
        db_name=settings.milvus_db,
        release_after=settings.release_after,
    )
    return ImageLibrary(store, encoder, settings.clip_model, database)


def _prepare_process() -> None:
    """What has to stand before the libraries are imported."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")  # it would tell of every retry twice
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for name in [name for name, value in os.environ.items() if name.startswith("GRADIO_") and not value]:
        del os.environ[name]  # an empty line in .env means the default; gradio would stumble over it
    start_logging()
    warnings.filterwarnings("ignore", module="PIL")


def _use_upload_folder_of_its_own() -> None:
    """Uploads wait in a temporary folder; those that killed apps left behind go at the next start."""
    if "GRADIO_TEMP_DIR" in os.environ:
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{UPLOADS}*"):
        owner = re.match(r"(\d+)-", folder.name.removeprefix(UPLOADS))
        if owner and not _is_running(int(owner[1])):
            shutil.rmtree(folder, ignore_errors=True)
    own = tempfile.mkdtemp(prefix=f"{UPLOADS}{os.getpid()}-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    os.environ["GRADIO_TEMP_DIR"] = own


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def main() -> None:
    _prepare_process()
    from commands import Rooms, commands
    from db.sources import items_from

    commands(obj=Rooms(open_library, serve, items_from))


if __name__ == "__main__":
    main()
