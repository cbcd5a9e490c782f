"""Finds the folder of a model that lies on this machine."""

from pathlib import Path

from library.errors import UnknownModel
from library.messages import Message

SMALL = "small"
SMALL_FOLDER = Path(__file__).parent / "small"


def find_folder(model: str, subject: Message) -> Path | None:
    """Returns the folder of a model that is bundled or lies on this machine, None for one of the hub.

    `subject` is what errors call the model. Raises UnknownModel for a folder without a model.
    """
    if model == SMALL:
        return SMALL_FOLDER
    folder = Path(model).expanduser()
    if not folder.is_dir() and not model.startswith((".", "/", "~")):
        return None
    if not (folder / "config.json").is_file():
        raise UnknownModel("model_not_in_folder", model=subject)
    return folder.resolve()
