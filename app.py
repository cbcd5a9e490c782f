"""Builds the rooms from the settings, opens the library for Python programs, and runs the command line."""

from commands.start import begin

if __name__ == "__main__":
    begin()

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from commands.client import send_to_app
from commands.spinner import spinning
from library.running.together import Together
from runtime import exit_without_delay, prepare_environment, prepare_process, replace_what_cannot_be_written

if TYPE_CHECKING:
    from library.image_library import ImageLibrary
    from library.ports import ImageStore, VectorDatabase
    from library.running.monitor import Monitor
    from python_api.library import Library
    from python_api.options import Options
    from settings import Settings


def build(
    settings: "Settings", others: Sequence[str] = (), texts_first: bool = False, together: Together | None = None
) -> "ImageLibrary":
    """Returns a library that has connected to nothing and loaded no model yet.

    `others` are models to offer beside those of the settings. With `texts_first` they are loaded for texts alone, where
    that is quicker, until a picture is to be encoded; `together` joins what searches ask for at the same time. Raises
    UnknownModel for a folder without a model, UnknownStore for an IMAGE_STORE that is none.
    """
    # Only now: pymilvus reads MILVUS_URI as it is imported, and the settings have checked it before.
    from db.files.decisions import DecisionFile
    from db.files.dropped_files import DroppedFiles
    from db.files.kept_texts import KeptTextFiles
    from db.files.run_log import RunLog
    from db.sources.readers import SourceReader
    from encoders.sources import ModelLoader
    from library.decoders.direct import DirectDecoder
    from library.decoders.processes import DecoderProcesses
    from library.image_library import ImageLibrary
    from library.running.atomic import make_private, remove_abandoned

    together = together or Together()
    models = ModelLoader.of(settings, texts_first).models(settings, others, fallback="small")
    make_private(settings.data_dir)
    for folder in (settings.data_dir, settings.evaluations_folder, settings.watch_folder, settings.dropped_folder):
        remove_abandoned(folder)
    return ImageLibrary(
        _image_store(settings),
        models,
        _database(settings, together),
        SourceReader().read,
        RunLog(settings.run_log_file),
        DecisionFile(settings.decisions_file),
        DroppedFiles(settings.dropped_folder),
        settings.trash_days,
        kept_texts=KeptTextFiles(settings.data_dir / "meaningless-texts"),
        monitor=_monitor(settings),
        decoder=DecoderProcesses() if settings.decode_apart else DirectDecoder(),
        together=together,
    )


def open_library(settings: "Settings | None" = None, **options: "Unpack[Options]") -> "Library":
    """Opens the library for a Python program and waits until a model answers; docs/python-api.md tells more.

    `options` are the settings by their names in lower case, such as `clip_model="small"`; what is not given comes from
    the environment and from .env. Where the model cannot be had, the small one is the fallback, as in the app. Raises
    SettingsError, UnknownModel, ModelUnavailable or IndexUnavailable.
    """
    from library.messages import Message
    from library.validation import shown
    from settings import Settings, SettingsError, load_settings

    if not isinstance(settings, Settings | None):
        given, allowed = f"settings={shown(settings)}", Message("allowed_settings")
        raise SettingsError("argument_impossible", given=given, allowed=allowed)
    if settings and options:
        raise SettingsError("settings_and_options")
    prepare_environment()
    settings = settings or load_settings(**options)
    settings = settings.model_copy(update={"data_dir": settings.data_dir.absolute()})
    library = build(settings)
    try:
        library.open()
        library.collections.stored()  # tells at once that Milvus is away, or its file in use
    except BaseException:
        library.close()
        raise
    from python_api.library import Library

    return Library(library, settings.own_folders, settings.small_files)


def main() -> None:
    """Runs the command line; without a command it serves the page."""
    replace_what_cannot_be_written()
    argv = sys.argv[1:]
    with exit_without_delay(), spinning(argv):
        if (code := send_to_app(argv)) is not None:
            sys.exit(code)
        prepare_process()
        from commands.main import commands

        commands(obj=build)


def _image_store(settings: "Settings") -> "ImageStore":
    if isinstance(settings.image_root, Path):
        from db.images.local import LocalImageStore

        return LocalImageStore(settings.image_root)
    from db.images.object import ObjectStore

    return ObjectStore(settings.image_root)


def _database(settings: "Settings", together: Together) -> "VectorDatabase":
    from db.files.nprobe_choices import MEASURED_AGAIN, NprobeChoices
    from db.milvus.database import Milvus

    return Milvus(
        settings.milvus_uri or settings.lite_path,
        token=settings.milvus_token,
        db_name=settings.milvus_db,
        release_after=settings.release_after,
        choices=NprobeChoices(settings.nprobe_file),
        measured=NprobeChoices(settings.nprobe_file.with_name("nprobe-measured.json"), MEASURED_AGAIN),
        lite_accelerated=settings.lite_accelerated,
        together=together,
    )


def _monitor(settings: "Settings") -> "Monitor | None":
    if not settings.metrics:
        return None
    from settings import version
    from ui.prometheus import PrometheusMonitor

    return PrometheusMonitor(version())


if __name__ == "__main__":
    main()
