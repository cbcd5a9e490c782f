"""A model that takes as long to load as a test wants it to."""

import os
import shutil
from pathlib import Path

from encoders.model_files import SMALL_FOLDER


class BlockedModel:
    """The small CLIP in a folder of its own, with one more file to read that comes to no end until it is let go."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(SMALL_FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        self.folder = str(folder)
        self._gate = folder / "held.txt"
        os.mkfifo(self._gate)

    def let_go(self) -> None:
        self._gate.write_bytes(b"")
