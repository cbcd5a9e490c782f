"""Builds the rooms from the settings, opens the library for Python programs, and runs the command line."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from library.messages import Message, message
from library.validation import shown
from runtime import exit_without_delay, prepare_environment, prepare_process
from settings import Settings, SettingsError, load_settings, version

if TYPE_CHECKING:
    from library.image_library import ImageLibrary
    from library.ports import ImageStore, VectorDatabase
    from library.running.monitor import Monitor
    from python_api.library import Library
    from python_api.options import Options

FALLBACK = "small"


def build(settings: Settings, others: Sequence[str] = ()) -> "ImageLibrary":
    """Returns a library that has connected to nothing and loaded no model yet.

    `others` are models to offer beside those of the settings. Raises UnknownModel for a folder without a model,
    UnknownStore for an IMAGE_STORE that is none.
    """
    # Imported only now: pymilvus reads MILVUS_URI as it is imported, and the settings have checked it before.
    from db.files.atomic import make_private, remove_abandoned
    from db.files.decisions import DecisionFile
    from db.files.dropped_files import DroppedFiles
    from db.files.kept_texts import KeptTextFiles
    from db.files.run_log import RunLog
    from db.sources.readers import SourceReader
    from encoders.sources import ModelLoader
    from library.decoders.direct import DirectDecoder
    from library.decoders.processes import DecoderProcesses
    from library.image_library import ImageLibrary
    from library.models import Models

    loader = ModelLoader.of(settings)
    fallback = None if settings.clip_model == FALLBACK else loader.source(FALLBACK)
    names = dict.fromkeys(name for name in (*settings.other_models, *others) if name != settings.clip_model)
    _check_models(settings, names)
    make_private(settings.data_dir)
    for folder in (settings.data_dir, settings.evaluations_folder, settings.watch_folder, settings.dropped_folder):
        remove_abandoned(folder)
    offered = [loader.offered_source(name) for name in names]
    return ImageLibrary(
        _image_store(settings),
        Models(loader.source(), fallback, offered, settings.models_release_after),
        _database(settings),
        SourceReader().read,
        RunLog(settings.run_log_file),
        DecisionFile(settings.decisions_file),
        DroppedFiles(settings.dropped_folder),
        settings.trash_days,
        kept_texts=KeptTextFiles(settings.data_dir / "meaningless-texts"),
        monitor=_monitor(settings),
        decoder=DecoderProcesses() if settings.decode_apart else DirectDecoder(),
    )


def open_library(settings: Settings | None = None, **options: "Unpack[Options]") -> "Library":
    """Opens the library for a Python program and waits until a model answers; docs/python-api.md tells more.

    `options` are the settings by their names in lower case, such as `clip_model="small"`; what is not given comes from
    the environment and from .env. Where the model cannot be had, the small one is the fallback, as in the app. Raises
    SettingsError, UnknownModel, ModelUnavailable or IndexUnavailable.
    """
    if not isinstance(settings, Settings | None):
        raise SettingsError(
            "argument_impossible", given=f"settings={shown(settings)}", allowed=Message("allowed_settings")
        )
    if settings and options:
        raise SettingsError("settings_and_options")
    prepare_environment()
    settings = settings or load_settings(**options)
    settings = settings.model_copy(update={"data_dir": settings.data_dir.absolute()})
    library = build(settings)
    from python_api.library import Library

    try:
        library.open()
        library.collections.stored()  # tells at once that Milvus is away, or its file in use
    except BaseException:
        library.close()
        raise
    return Library(library, settings.own_folders, settings.small_files)


def main() -> None:
    """Runs the command line; without a command it serves the page."""
    prepare_process()
    from commands.main import commands

    with exit_without_delay():
        commands(obj=build)


def _image_store(settings: Settings) -> "ImageStore":
    if isinstance(settings.image_root, Path):
        from db.images.local import LocalImageStore

        return LocalImageStore(settings.image_root)
    from db.images.object import ObjectStore

    return ObjectStore(settings.image_root)


def _database(settings: Settings) -> "VectorDatabase":
    from db.files.nprobe_choices import NprobeChoices
    from db.milvus.database import Milvus

    return Milvus(
        settings.milvus_uri or settings.lite_path,
        token=settings.milvus_token,
        db_name=settings.milvus_db,
        release_after=settings.release_after,
        choices=NprobeChoices(settings.nprobe_file),
        lite_accelerated=settings.lite_accelerated,
    )


def _monitor(settings: Settings) -> "Monitor | None":
    if not settings.metrics:
        return None
    from ui.prometheus import PrometheusMonitor

    return PrometheusMonitor(version())


def _check_models(settings: Settings, names: Iterable[str]) -> None:
    """Raises UnknownModel for a folder without a model, and for two models that would be known by one name."""
    from encoders.model_folders import find_folder
    from library.errors import UnknownModel
    from library.models import display_name

    for name in settings.other_models:
        find_folder(name, message("model_setting", setting="CLIP_OTHERS", name=name))
    known = {FALLBACK: FALLBACK, display_name(settings.clip_model): settings.clip_model}
    for name in names:
        if known.setdefault(display_name(name), name) != name:
            raise UnknownModel("models_of_one_name", name=display_name(name))


if __name__ == "__main__":
    main()
