"""Keeps the vectors of dropped collections in a folder, a file for each."""

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from db.files.own_files import is_odd
from db.files.vector_file import count_rows, read_header, read_vectors, write_vectors
from library.errors import StoreUnavailable, UnknownCollection
from library.messages.reasons import reason_of
from library.ports import StoredCollection
from library.running.atomic import is_in_hand
from library.running.disk import Explain, explained, is_full
from library.trash.dropped import DroppedCollection, VectorBatch, key_of

logger = logging.getLogger(__name__)

SUFFIX = ".vectors"
LARGEST_DIM = 32_768  # of a vector in Milvus
LONGEST_TEXT = 1_000
FINGERPRINT = re.compile(r"[\w-]+", flags=re.ASCII)
KEY = re.compile(r"\w{1,200}\.\d{1,30}", flags=re.ASCII)


class DroppedFiles:
    """Keeps dropped collections, as `DroppedCollections` describes it."""

    def __init__(self, folder: Path, explain: Explain | None = None) -> None:
        """Takes what makes an error of an OSError, where the folder is not the trash of the library."""
        self._folder = folder
        self._explain = explain or _failure

    def keep(self, collection: StoredCollection, deleted: str, batches: Iterable[VectorBatch]) -> None:
        header = {"deleted": deleted, "collection": asdict(collection)}
        with explained(self._explain):
            write_vectors(self._path(key_of(collection, deleted)), header, collection.dim, batches)

    def listed(self) -> list[DroppedCollection]:
        with explained(self._explain):
            paths = list(self._folder.glob(f"*{SUFFIX}"))
            found = [each for path in paths if (each := _described(path))]
        return sorted(found, key=lambda each: each.deleted, reverse=True)

    def foreign(self) -> list[str]:
        with explained(self._explain):
            whole = {f"{each.key}{SUFFIX}" for each in self.listed() if KEY.fullmatch(each.key)}
            paths = [path for path in self._folder.rglob("*") if not path.is_dir() and not is_in_hand(path)]
        names = (path.relative_to(self._folder).as_posix() for path in paths)
        return sorted(name for name in names if name not in whole)

    def rows(self, key: str) -> Iterator[VectorBatch]:
        path = self._path(key)
        with explained(self._explain):
            described = _described(path)
            if described is None:
                raise UnknownCollection("collection_not_in_trash", key=key)
            yield from read_vectors(path, described.collection.dim)

    def remove(self, key: str) -> None:
        with explained(self._explain):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        """Returns the path of a key's file. Raises UnknownCollection for a text that is no key."""
        if not KEY.fullmatch(key):
            raise UnknownCollection("collection_not_in_trash", key=key[:80])
        return self._folder / f"{key}{SUFFIX}"


def _described(path: Path) -> DroppedCollection | None:
    try:
        header = read_header(path)
        collection = _checked(StoredCollection(**header["collection"]))
        collection = replace(collection, rows=count_rows(path, collection.dim))
        datetime.fromisoformat(header["deleted"])
        return DroppedCollection(path.name.removesuffix(SUFFIX), collection, header["deleted"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        if isinstance(error, OSError) and not is_odd(error):
            raise
        logger.warning("%s is damaged: this collection cannot be restored.", path.name)
        return None


def _checked(collection: StoredCollection) -> StoredCollection:
    """Returns the collection. Raises ValueError for one that no database has: the file may be a stranger's."""
    texts = (collection.name, collection.model, collection.fingerprint)
    is_text = all(isinstance(each, str) and len(each) <= LONGEST_TEXT and each.isprintable() for each in texts)
    is_fingerprint = is_text and (not collection.fingerprint or FINGERPRINT.fullmatch(collection.fingerprint))
    if not (is_fingerprint and isinstance(collection.dim, int) and 0 < collection.dim <= LARGEST_DIM):
        raise ValueError
    return collection


def _failure(error: OSError) -> StoreUnavailable:
    if is_full(error):
        return StoreUnavailable("disk_full")
    return StoreUnavailable("trash_failed", reason=reason_of(error))
