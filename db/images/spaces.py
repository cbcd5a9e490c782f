"""Keeps the pictures of each visitor of the demo apart: a folder for every space."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from db.images.local import LocalImageStore
from library.errors import StoreUnavailable
from library.messages.reasons import reason_of
from library.ports import ImageStore
from library.visitors.space_key import SpaceKey

PRIVATE, OTHERS = 0o700, 0o077  # rights of users of the machine


class LocalSpaces:
    """Keeps a folder for each space, whose name says whose it is and when it ends; `SpaceFiles` tells the rest.

    No other user of the machine may enter the folder that holds them all.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def of(self, space: SpaceKey) -> ImageStore:
        with suppress(OSError):  # told where something is written
            self._root.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            if self._root.stat().st_mode & OTHERS:  # made by an earlier version
                self._root.chmod(PRIVATE)
        return LocalImageStore(self._root / space.key)

    def stored(self) -> list[SpaceKey]:
        try:
            names = [each.name for each in self._root.iterdir()] if self._root.exists() else []
        except OSError as error:
            raise StoreUnavailable("spaces_unreadable", reason=reason_of(error)) from error
        return [key for name in names if (key := SpaceKey.read(name))]

    def bytes(self) -> int:
        found = 0
        for folder, _, names in os.walk(self._root):
            for name in names:
                with suppress(OSError):  # removed meanwhile
                    found += os.lstat(os.path.join(folder, name)).st_size
        return found

    def remove(self, space: SpaceKey) -> None:
        try:
            shutil.rmtree(self._root / space.key)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise StoreUnavailable("spaces_unreadable", reason=reason_of(error)) from error
