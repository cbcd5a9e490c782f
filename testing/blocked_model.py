"""Keeps a model from being loaded until a test lets it."""

import os
import shutil
from pathlib import Path

from encoders.model_folders import SMALL_FOLDER


class BlockedModel:
    """Holds a copy of the small CLIP with a named pipe as a further file: loading waits until the pipe is written."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(SMALL_FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        self.folder = str(folder)
        self._gate = folder / "held.txt"
        os.mkfifo(self._gate)

    def let_go(self) -> None:
        self._gate.write_bytes(b"")
