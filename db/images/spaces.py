"""Keeps the pictures of each visitor of the demo apart: a folder, or a place in a bucket, for every space."""

import shutil
from pathlib import Path
from typing import Any

from db.images.local import LocalImageStore
from db.images.object import NAMED_BY, ObjectStore
from db.sources.buckets import failure, file_system
from library.errors import StoreUnavailable
from library.messages import message
from library.ports import ImageStore
from library.reasons import reason_of
from library.visitors.space_key import SpaceKey


class LocalSpaces:
    """Keeps a folder for each space, which its name tells all of."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def of(self, space: SpaceKey) -> ImageStore:
        return LocalImageStore(self._root / space.key)

    def stored(self) -> list[SpaceKey]:
        try:
            names = [each.name for each in self._root.iterdir()] if self._root.exists() else []
        except OSError as error:
            raise StoreUnavailable("spaces_unreadable", reason=reason_of(error)) from error
        return _keys(names)

    def remove(self, space: SpaceKey) -> None:
        try:
            shutil.rmtree(self._root / space.key)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise StoreUnavailable("spaces_unreadable", reason=reason_of(error)) from error


class ObjectSpaces:
    """Keeps all spaces beside the images of all, under an address of their own."""

    def __init__(self, url: str) -> None:
        """Connects only when first used. Raises UnknownStore."""
        self._url = url
        self._files, root = file_system(url, NAMED_BY)
        self._root = root.rstrip("/")

    def of(self, space: SpaceKey) -> ImageStore:
        return ObjectStore(f"{self._url}/{space.key}")

    def stored(self) -> list[SpaceKey]:
        return _keys({key.removeprefix(f"{self._root}/").partition("/")[0] for key in self._listed(self._root)})

    def remove(self, space: SpaceKey) -> None:
        # Files of buckets lie in folders in name only: with the last of them, these are gone.
        for key in self._listed(f"{self._root}/{space.key}"):
            self._do(self._files.rm_file, key)

    def _listed(self, folder: str) -> list[str]:
        return list(self._do(self._files.find, folder) or [])

    def _do(self, work: Any, key: str) -> Any:
        try:
            return work(key)
        except FileNotFoundError:
            return None
        except Exception as error:  # each kind of bucket has a family of exceptions of its own
            place = message("image_store_at", url=self._url)
            raise failure(StoreUnavailable, error, place, NAMED_BY) from error


def _keys(names: Any) -> list[SpaceKey]:
    return [key for name in names if (key := SpaceKey.read(name))]
