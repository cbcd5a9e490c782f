"""Keeps converted towers and what was chosen beside the cache of the models, by the fingerprint of the weights."""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock
from huggingface_hub import constants

from library.running.atomic import write_atomically

logger = logging.getLogger(__name__)

FORMAT = 1  # of the converted towers: another one makes them anew


def default_home() -> Path:
    """Returns the folder beside the cache of the hub, where HF_HOME puts both."""
    return Path(constants.HF_HOME) / "likeness"


class KeptTowers:
    """Keeps the files of one model. Several processes may use the same folder; a damaged file is made anew."""

    def __init__(self, home: Path, fingerprint: str) -> None:
        self.folder = home / fingerprint[:32]
        self._made: set[str] = set()

    def tower(self, name: str, make: Callable[[Path], None]) -> Path:
        """Returns the file of a tower; `make` writes it where it is not there whole. Raises OSError and what that
        raises."""
        file = self.folder / f"{name}-{FORMAT}.onnx"
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock")):  # another process is converting the same
            if not _is_whole(file):
                if file.exists():
                    logger.warning("the converted tower %s is damaged and is made anew", file)
                _write(file, make)
                self._made.add(name)
        return file

    def drop_made_but(self, needed: Collection[str]) -> None:
        """Removes the towers that were made here, and not by an earlier process, unless they are needed."""
        for name in self._made - set(needed):
            file = self.folder / f"{name}-{FORMAT}.onnx"
            for each in (_digest_file(file), file):
                with suppress(OSError):  # it costs room alone
                    each.unlink()
        self._made &= set(needed)

    def whole(self, name: str) -> Path | None:
        """Returns the file of a tower that is there whole; None where none is."""
        file = self.folder / f"{name}-{FORMAT}.onnx"
        return file if _is_whole(file) else None

    def note(self, name: str) -> dict[str, Any] | None:
        """Returns what was noted under that name; None where nothing was, or nothing that can be read."""
        try:
            found = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def keep_note(self, name: str, note: dict[str, Any]) -> None:
        """Keeps a note in place of an earlier one. Raises OSError."""
        self.keep_text(name, json.dumps(note, indent=1))

    def keep_text(self, name: str, text: str) -> Path:
        """Keeps JSON as it is in place of an earlier one, and returns its file. Raises OSError."""
        file = self.folder / f"{name}.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(file, [text.encode()])
        return file


def _write(file: Path, make: Callable[[Path], None]) -> None:
    partial = file.with_name(f".{file.name}.partial")  # one name, so that a killed process leaves one at most
    try:
        make(partial)
        with partial.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
            os.fsync(written.fileno())
        partial.replace(file)
        write_atomically(_digest_file(file), [digest.encode()])
    finally:
        with suppress(OSError):
            partial.unlink()


def _is_whole(file: Path) -> bool:
    try:
        expected = _digest_file(file).read_text()
        with file.open("rb") as kept:
            return hashlib.file_digest(kept, "sha256").hexdigest() == expected
    except OSError:
        return False


def _digest_file(file: Path) -> Path:
    return file.with_suffix(".sha256")
