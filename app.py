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
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from library.errors import UnknownModel
from settings import Settings, SettingsError

if TYPE_CHECKING:
    from library.image_library import ImageLibrary
    from library.ports import Encoder, ImageStore

logger = logging.getLogger("likeness")

UPLOADS = "likeness-uploads-"

T = TypeVar("T")


def open_library(settings: Settings, with_model: bool = True) -> "ImageLibrary":
    """Connects nothing and waits for nothing: the model loads in the background, Milvus when first asked."""
    store = _store(settings)
    return _library(settings, store, _loading_encoder(settings) if with_model else Future())


def serve(settings: Settings) -> None:
    """Serves the page until SIGTERM or Ctrl-C. Raises UnknownModel if CLIP_MODEL turns out to be no model."""
    _use_upload_folder_of_its_own()
    from library.runs import Worker
    from ui.page import build_page, launch_options

    for room in ("likeness", "library", "encoders", "db", "ui"):
        logging.getLogger(room).setLevel(logging.INFO)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    store = _store(settings)
    logger.info("pictures are kept in %s", settings.image_root)
    encoder = _loading_encoder(settings)
    library = _library(settings, store, encoder)

    def on_model(loaded: "Future[Encoder]") -> None:
        if isinstance(loaded.exception(), UnknownModel):
            stop.set()
        elif not loaded.exception():
            library.status()  # opens the collection before the first query has to

    encoder.add_done_callback(on_model)
    worker = Worker(library)
    page = build_page(library, worker, settings.allowed_edits)
    try:
        _, url, public_url = page.launch(
            server_name=settings.gradio_server_name,
            server_port=settings.gradio_server_port,
            root_path=settings.gradio_root_path or None,
            prevent_thread_lock=True,
            quiet=True,
            **launch_options(library),
        )
    except OSError as error:  # gradio found no free port
        raise SettingsError(f"GRADIO_SERVER_PORT={settings.gradio_server_port} is not free. Set another.") from error
    logger.info("open %s", " or ".join(filter(None, [url, public_url])))
    stop.wait()
    worker.close()
    page.close()
    library.close()
    if encoder.done() and isinstance(encoder.exception(), UnknownModel):
        encoder.result()


def in_background(work: Callable[[], T]) -> Future[T]:
    """Runs on a daemon thread, so that an app that is told to stop never waits for a download."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)

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
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for name in [name for name, value in os.environ.items() if name.startswith("GRADIO_") and not value]:
        del os.environ[name]  # an empty line in .env means the default; gradio would stumble over it
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.captureWarnings(True)
    warnings.filterwarnings("ignore", module="PIL")
    for chatty in ("pymilvus", "milvus_lite", "grpc"):  # their errors reach us as exceptions
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
    for chatty in ("aiobotocore", "botocore", "httpx", "transformers"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


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
