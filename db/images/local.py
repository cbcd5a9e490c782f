"""Stores originals, thumbnails and records on disk, by content ID."""

import errno
import logging
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from db.files.own_files import SMALL_FILE, is_odd, is_own, no_file, read_own
from db.images.layout import (
    RECORD_SUFFIX,
    THUMBNAIL_SUFFIX,
    TRASH_SUFFIX,
    latest_first,
    original_name,
    stored_file,
    unknown_picture,
    whole_entry,
)
from db.images.records_read import SHORTEST_RECORD, RecordReader
from library.contents.stored_files import StoredFile
from library.errors import InvalidContentId, RejectedImage, StoreUnavailable
from library.images import MAX_FILE_BYTES, ContentId, parse_content_id
from library.messages.reasons import reason_of
from library.records import Record
from library.running.atomic import PARTIAL_SUFFIX, is_abandoned, sync_folder, write_atomically
from library.running.disk import Explain, explained, is_full
from library.running.private import Private
from library.trash.entries import Trashed

logger = logging.getLogger(__name__)

ASIDE_SUFFIX = "-foreign"  # of the folder for files that are not ours
NEVER = datetime.fromtimestamp(0, UTC)
SETTLED_AFTER_NS = 100_000_000


class LocalImageStore:
    """Keeps pictures in a folder. A picture exists once its record does, the last of its files to appear.

    <2 hex>/<content id>.<extension>   the original, unchanged
    <2 hex>/<content id>.thumb.jpg     the thumbnail
    <2 hex>/<content id>.json          the record
    <2 hex>/<content id>.trash         once it is deleted, what brings it back; the original stays beside it
    """

    sets_aside = True

    def __init__(self, root: Path, explain: Explain | None = None) -> None:
        """Takes what makes an error of an OSError, where the folder is not that of the library."""
        self._root = root
        self._explain = explain or _failure
        self._catalogue = _FolderCatalogue(root, self.find)
        self._records = RecordReader()

    def add(self, record: Record, original: bytes | None, thumbnail: bytes) -> None:
        with self._explained():
            folder = self._folder(record.content_id)
            folder.mkdir(parents=True, exist_ok=True)
            if original is not None:
                write_atomically(self._original_path(record), [original])
            write_atomically(folder / f"{record.content_id}{THUMBNAIL_SUFFIX}", [thumbnail])
            self._write_record(record)

    def update(self, record: Record, original: bytes | None = None) -> None:
        if self.find(record.content_id) is None:
            raise unknown_picture()
        with self._explained():
            if original is not None:
                write_atomically(self._original_path(record), [original])
            self._write_record(record)

    def find(self, id: ContentId) -> Record | None:
        with self._explained():
            try:
                return self._records.read(id, read_own(self._record_path(id), SMALL_FILE))
            except FileNotFoundError:
                return None
            except RejectedImage:  # too large to be one
                return self._records.read(id, b"")
            except OSError as error:
                if not is_odd(error):
                    raise
                return self._records.read(id, b"")

    def original(self, id: ContentId) -> bytes:
        record = self.find(id)
        if record is None:
            raise unknown_picture()
        with self._explained():
            return _read(self._original_path(record))

    def has_original(self, record: Record) -> bool:
        with self._explained():
            return is_own(self._original_path(record))

    def location(self, record: Record) -> str:
        with self._explained():
            return str(self._original_path(record).absolute())

    def thumbnail(self, id: ContentId) -> bytes:
        with self._explained():
            return _read(self._folder(id) / f"{id}{THUMBNAIL_SUFFIX}", SMALL_FILE)

    def delete(self, id: ContentId) -> None:
        record = self.find(id)
        if record is None:
            return
        with self._explained():
            self._record_path(id).unlink(missing_ok=True)
            (self._folder(id) / f"{id}{THUMBNAIL_SUFFIX}").unlink(missing_ok=True)
            self._original_path(record).unlink(missing_ok=True)

    def note_trashed(self, trashed: Trashed) -> None:
        id = trashed.record.content_id
        with self._explained():
            write_atomically(self._trash_path(id), [trashed.to_json().encode()], trashed.deleted_at)
            sync_folder(self._folder(id))

    def hide(self, record: Record) -> None:
        id = record.content_id
        with self._explained():
            self._record_path(id).unlink(missing_ok=True)
            (self._folder(id) / f"{id}{THUMBNAIL_SUFFIX}").unlink(missing_ok=True)

    def trashed(self) -> dict[ContentId, datetime]:
        found: dict[ContentId, datetime] = {}
        with self._explained():
            for path in self._root.glob(f"*/*{TRASH_SUFFIX}"):
                with suppress(FileNotFoundError, InvalidContentId):
                    if path.parent.is_symlink() or not is_own(path):
                        continue
                    id = parse_content_id(path.name.removesuffix(TRASH_SUFFIX))
                    found[id] = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return latest_first(found)

    def find_trashed(self, ids: Sequence[ContentId]) -> list[Trashed]:
        found: list[Trashed] = []
        for id in ids:
            with self._explained(), suppress(FileNotFoundError):
                try:
                    entry = read_own(self._trash_path(id), SMALL_FILE)
                except RejectedImage:
                    entry = b""
                except OSError as error:
                    if not (is_odd(error) or isinstance(error, PermissionError)):
                        raise
                    entry = b""
                if trashed := whole_entry(id, entry):
                    found.append(trashed)
        return found

    def clear_trashed(self, id: ContentId) -> None:
        with self._explained():
            if not self._record_path(id).exists() and self._trash_path(id).exists():
                for path in self._folder(id).glob(f"{id}.*"):
                    if path != self._trash_path(id):  # the last of all: a killed removal is done again
                        path.unlink(missing_ok=True)
            self._trash_path(id).unlink(missing_ok=True)

    def files(self) -> Iterator[StoredFile]:
        with self._explained():
            for folder, folders, names in os.walk(self._root):
                in_place = [each for each in folders if self._is_in_place_of_a_file(Path(folder, each))]
                folders[:] = [each for each in folders if each not in in_place]
                for path in map(Path(folder).joinpath, sorted([*names, *in_place])):
                    with suppress(FileNotFoundError):
                        found = path.lstat()
                        file = self._named(path, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))
                        yield file if stat.S_ISREG(found.st_mode) else replace(file, kind="other")

    def set_aside(self, name: str) -> None:
        target = self._root.with_name(f"{self._root.name}{ASIDE_SUFFIX}") / name
        with self._explained(), suppress(FileNotFoundError):
            target.parent.mkdir(parents=True, exist_ok=True)
            while os.path.lexists(target):
                target = target.with_name(f"{target.name}.again")
            shutil.move(self._root / name, target)
            logger.info("moved %s to %s", name, Private(str(target)))

    def read_file(self, name: str) -> bytes:
        with self._explained():
            return _read(self._root / name)

    def remove_file(self, name: str) -> None:
        with self._explained():
            (self._root / name).unlink(missing_ok=True)

    def count(self) -> int:
        return len(self.ids())

    def ids(self) -> Sequence[ContentId]:
        with self._explained():
            return self._records.without_damaged(self._catalogue.newest_first(), self.find)

    def find_all(self, ids: Sequence[ContentId]) -> list[Record]:
        return [record for id in ids if (record := self.find(id))]

    def _explained(self) -> AbstractContextManager[None]:
        return explained(self._explain)

    def _is_in_place_of_a_file(self, folder: Path) -> bool:
        return folder.is_symlink() or self._named(folder).is_in_place

    def _named(self, path: Path, size: int = 0, modified: datetime = NEVER) -> StoredFile:
        return stored_file(path.relative_to(self._root).as_posix(), size, modified)

    def _write_record(self, record: Record) -> None:
        # Its time on disk is the time added, so that a listing alone gives the order.
        write_atomically(self._record_path(record.content_id), [record.to_json().encode()], record.added_at)
        self._records.note_written(record.content_id)
        sync_folder(self._folder(record.content_id))

    def _folder(self, id: ContentId) -> Path:
        """Returns the folder of a picture. Raises OSError for a link: what it leads to may be anybody's."""
        folder = self._root / parse_content_id(id)[:2]
        if folder.is_symlink():
            raise no_file(folder)
        return folder

    def _original_path(self, record: Record) -> Path:
        return self._folder(record.content_id) / original_name(record)

    def _record_path(self, id: ContentId) -> Path:
        return self._folder(id) / f"{id}{RECORD_SUFFIX}"

    def _trash_path(self, id: ContentId) -> Path:
        return self._folder(id) / f"{id}{TRASH_SUFFIX}"


class _FolderCatalogue:
    """Lists the records, newest first, and reads again only the folders that have changed."""

    def __init__(self, root: Path, look_at: Callable[[ContentId], object]) -> None:
        """Calls `look_at` with each picture whose record is too short to be one."""
        self._root = root
        self._look_at = look_at
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[int, dict[ContentId, int]]] = {}
        self._sorted: list[ContentId] = []

    def newest_first(self) -> list[ContentId]:
        with self._lock:
            if self._refresh():
                added = {id: time_ns for _, records in self._seen.values() for id, time_ns in records.items()}
                self._sorted = sorted(added, key=lambda id: (-added[id], id))
            return self._sorted

    def _refresh(self) -> bool:
        try:
            folders = {entry.name: entry for entry in os.scandir(self._root) if entry.is_dir(follow_symlinks=False)}
        except FileNotFoundError:
            folders = {}
        gone = self._seen.keys() - folders.keys()
        for name in gone:
            del self._seen[name]
        changed = bool(gone)
        for name, folder in folders.items():
            modified = os.stat(folder.path).st_mtime_ns
            if name not in self._seen or self._seen[name][0] != modified:
                # Clocks of file systems tick coarsely: a folder changed just now may change again unseen.
                settled = time.time_ns() - modified > SETTLED_AFTER_NS
                self._seen[name] = (modified if settled else 0, _records_in(folder.path, self._look_at))
                changed = True
        return changed


def _records_in(folder: str, look_at: Callable[[ContentId], object]) -> dict[ContentId, int]:
    """Returns content IDs with the time their record appeared, and removes what killed writers left behind."""
    records: dict[ContentId, int] = {}
    for entry in os.scandir(folder):
        with suppress(FileNotFoundError, InvalidContentId):
            if entry.name.endswith(RECORD_SUFFIX) and entry.is_file(follow_symlinks=False):
                id, found = parse_content_id(entry.name.removesuffix(RECORD_SUFFIX)), entry.stat()
                records[id] = found.st_mtime_ns
                if found.st_size < SHORTEST_RECORD:
                    look_at(id)
            elif entry.name.endswith(PARTIAL_SUFFIX) and not entry.is_dir() and is_abandoned(entry.stat()):
                os.unlink(entry.path)
    return records


def _read(path: Path, most: int = MAX_FILE_BYTES) -> bytes:
    try:
        return read_own(path, most)
    except FileNotFoundError:
        raise unknown_picture() from None


def _failure(error: OSError) -> StoreUnavailable:
    if is_full(error):
        return StoreUnavailable("store_full")
    if isinstance(error, IsADirectoryError):
        return StoreUnavailable("store_folder_in_place", folder=Path(error.filename2 or error.filename or "").name)
    if error.errno == errno.ENXIO:
        return StoreUnavailable("store_no_file", file=Path(error.filename or "").name)
    if isinstance(error, NotADirectoryError | FileExistsError):
        return StoreUnavailable("store_file_in_place", file=_file_in(Path(error.filename or "")))
    if error.filename:
        place = "/".join(Path(error.filename).parts[-2:])
        return StoreUnavailable("store_failed_at", file=place, reason=reason_of(error))
    return StoreUnavailable("store_failed", reason=reason_of(error))


def _file_in(path: Path) -> str:
    """Returns the name of the file that stands where this path needs a folder."""
    return next((each.name for each in (path, *path.parents) if each.is_file()), path.name)
