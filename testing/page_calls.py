"""Makes the arguments of the page's handlers, and reads names from their answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ui.handlers.search import AUTOMATIC, SearchSettings

SETTINGS = SearchSettings(24, AUTOMATIC, 16, 0)
UNFILTERED = (None, "all", "score", 0)


def names(value: Mapping[str, Any]) -> list[str]:
    """Returns the names of the pictures shown, in their order."""
    return [shown["name"] for shown in value["items"]]


def uploaded(folder: Path, name: str, data: bytes) -> dict[str, str]:
    """Returns a file as Gradio hands it over once it has arrived."""
    path = folder / f"{len(list(folder.iterdir()))}.bin"
    path.write_bytes(data)
    return {"path": str(path), "name": name}
