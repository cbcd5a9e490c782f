"""Loads a model as slowly as a test wants it to."""

import os
import shutil
from pathlib import Path

from encoders.model_folders import SMALL_FOLDER


class BlockedModel:
    """Holds the small CLIP in a folder of its own, with one more file, whose reading ends only when it is let go."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(SMALL_FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        self.folder = str(folder)
        self._gate = folder / "held.txt"
        os.mkfifo(self._gate)

    def let_go(self) -> None:
        self._gate.write_bytes(b"")
