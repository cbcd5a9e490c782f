"""Finds the folder of a model that lies on this machine."""

import os
from pathlib import Path

from library.errors import UnknownModel
from library.messages import Message

SMALL = "small"
SMALL_FOLDER = Path(__file__).parent / "small"
SMALL_TEXTS = Path(__file__).parent / "small_texts"


def find_folder(model: str, subject: Message) -> Path | None:
    """Returns the folder of a model that is bundled or lies on this machine, None for one of the hub.

    `subject` is what errors call the model. Raises UnknownModel for a folder without a model, and for what is no name.
    """
    if model == SMALL:
        return SMALL_FOLDER
    if not is_folder(model):
        _check_name(model, subject)
        return None
    folder = Path(model).expanduser()
    if not os.path.exists(folder):  # which, unlike those of Path, raises for no name
        raise UnknownModel("model_folder_missing", model=subject)
    if not os.path.isfile(folder / "config.json"):
        raise UnknownModel("model_not_in_folder", model=subject)
    for file in folder.glob("*"):
        if os.path.exists(file) and not (os.path.isfile(file) or os.path.isdir(file)):
            raise UnknownModel("model_no_regular_file", model=subject, file=file.name)
    return folder.resolve()


def is_folder(model: str) -> bool:
    """Returns whether the name of a model means a folder, which may be missing."""
    return os.path.isdir(Path(model).expanduser()) or model.startswith((".", "/", "~"))


def _check_name(model: str, subject: Message) -> None:
    """Raises UnknownModel for a name that the hub gives to nothing, so that no network is needed to tell."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(model)
    except HFValidationError:
        raise UnknownModel("model_name_impossible", model=subject) from None
