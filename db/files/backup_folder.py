"""Keeps a backup in a folder: pictures as the image store lays them out, vectors, small files, and a manifest."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from db.files.dropped_files import DroppedFiles
from db.files.own_files import SMALL_FILE, is_own, read_own
from db.files.own_folders import OwnFolders
from db.images.local import LocalImageStore
from library.backup.backup_place import BackupSummary, NewBackup
from library.errors import InvalidBackup, LikenessError, RejectedImage, StoreUnavailable
from library.messages.reasons import reason_of
from library.running.atomic import write_atomically
from library.running.disk import Explain, explained, is_full

MANIFEST = "backup.json"
FORMAT, VERSION = "likeness backup", 1
BEGUN = "backup.begun"  # lies beside what a backup has written so far, and in no folder of anybody else's
PARTS = {"images", "vectors", "files"}
OF_APP = "backups"  # below DATA_DIR


class BackupFolder:
    """Holds one backup, as `BackupPlace` describes it; `sources` are the small files of the library."""

    def __init__(self, folder: Path, sources: Sequence[Path]) -> None:
        self._folder = folder
        self._sources = sources
        self.store = LocalImageStore(folder / "images", _failure_in(folder))
        self.vectors = DroppedFiles(folder / "vectors", _failure_in(folder))

    def keep_files(self) -> None:
        with _failures_in(self._folder):
            for source in self._sources:
                for path in _files_of(source):
                    kept = self._folder / "files" / path.relative_to(source.parent)
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    write_atomically(kept, [path.read_bytes()])

    def restore_files(self) -> list[str]:
        restored: list[str] = []
        with _failures_in(self._folder):
            for source in self._sources:
                for path in _files_of(self._folder / "files" / source.name):
                    place = source.parent / path.relative_to(self._folder / "files")
                    if is_own(path) and not place.exists():
                        place.parent.mkdir(parents=True, exist_ok=True)
                        write_atomically(place, [read_own(path)])
                        restored.append(place.name)
        return restored

    def finish(self, summary: BackupSummary) -> None:
        manifest = {"format": FORMAT, "version": VERSION} | asdict(summary)
        with _failures_in(self._folder):
            write_atomically(self._folder / MANIFEST, [json.dumps(manifest, indent=1).encode(), b"\n"])


@contextmanager
def new_backup(place: str | Path, sources: Sequence[Path], own_folders: Sequence[Path] = ()) -> Iterator[BackupFolder]:
    """Yields a new backup, and removes its files unless it was finished. Raises InvalidBackup for an unusable folder.

    The folder may be there already if it is empty, or holds what a killed backup left: that is overwritten. What
    another backup is writing is not, and none is written among the files of the library: the `own_folders`, but for
    `backups` in the first of them.
    """
    folder = _folder(place)
    with ExitStack() as held, _failures_in(folder):
        _check_elsewhere(folder, own_folders)
        _check_no_backup_around(folder)
        _check_free(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if not held.enter_context(_begun(folder)):
            raise InvalidBackup("backup_under_way", folder=str(folder))
        _check_free(folder)
        _clear(folder)
        holding = held.pop_all()
    with holding:
        try:
            yield BackupFolder(folder, sources)
        finally:
            if not (folder / MANIFEST).exists():
                _clear(folder)
            with suppress(OSError):
                (folder / BEGUN).unlink()


def backups_in(folder: Path, sources: Sequence[Path]) -> NewBackup:
    """Returns a function that makes a backup below `folder`, named by the time; removes what killed ones left there."""
    for begun in folder.glob(f"*/{BEGUN}"):
        with suppress(OSError):
            _remove_killed(begun.parent)

    @contextmanager
    def make() -> Iterator[tuple[str, BackupFolder]]:
        name = datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S-%f")
        with new_backup(folder / name, sources) as place:
            yield name, place

    return make


def open_backup(place: str | Path, sources: Sequence[Path]) -> tuple[BackupFolder, BackupSummary]:
    """Returns a finished backup and what it holds. Raises InvalidBackup for anything else."""
    folder = _folder(place)
    with _failures_in(folder):
        if not folder.is_dir():
            raise InvalidBackup("no_backup", folder=str(folder), file=MANIFEST)
        try:
            manifest = json.loads(read_own(folder / MANIFEST, SMALL_FILE))
        except (FileNotFoundError, RejectedImage, ValueError, RecursionError):
            raise InvalidBackup("no_backup", folder=str(folder), file=MANIFEST) from None
    return BackupFolder(folder, sources), _summary(manifest, folder)


def _check_elsewhere(folder: Path, own_folders: Sequence[Path]) -> None:
    of_app = OwnFolders([each / OF_APP for each in own_folders[:1]])
    for own in own_folders[1:] if of_app.hold(folder) else own_folders:
        if OwnFolders([own]).hold(folder):
            raise InvalidBackup("backup_in_library", folder=str(folder), own=str(own))


def _check_no_backup_around(folder: Path) -> None:
    for around in folder.resolve().parents:
        if (around / BEGUN).is_file() or _is_backup(around):
            raise InvalidBackup("backup_in_backup", folder=str(folder), backup=str(around))


def _is_backup(folder: Path) -> bool:
    try:
        open_backup(folder, [])
    except InvalidBackup as error:
        return error.message.code == "backup_version"
    return True


def _check_free(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InvalidBackup("backup_is_file", folder=str(folder))
    if (folder / MANIFEST).exists():
        raise InvalidBackup("backup_exists", folder=str(folder))
    if folder.exists() and any(folder.iterdir()) and not (folder / BEGUN).is_file():
        raise InvalidBackup("backup_not_empty", folder=str(folder))


@contextmanager
def _begun(folder: Path) -> Iterator[bool]:
    """Marks a folder as one of a backup that is being written, and tells whether no other backup holds that mark."""
    (folder / BEGUN).touch()
    lock = FileLock(folder / BEGUN, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    except (OSError, NotImplementedError):  # a file system without locks
        pass
    try:
        yield True
    finally:
        lock.release()


def _remove_killed(folder: Path) -> None:
    if (folder / MANIFEST).exists() or folder.is_symlink() or not (folder / BEGUN).is_file():
        return
    with _begun(folder) as is_free:
        if is_free:
            _clear(folder)
            (folder / BEGUN).unlink()
            folder.rmdir()


def _summary(manifest: Any, folder: Path) -> BackupSummary:
    given: Mapping[str, Any] = manifest if isinstance(manifest, dict) else {}
    if given.get("format") != FORMAT:
        raise InvalidBackup("no_backup", folder=str(folder), file=MANIFEST)
    if given.get("version") != VERSION:
        raise InvalidBackup("backup_version", found=str(given.get("version"))[:20], known=str(VERSION))
    created, pictures, collections = given.get("created"), given.get("pictures"), given.get("collections")
    if not (isinstance(created, str) and isinstance(pictures, int) and isinstance(collections, dict)):
        raise InvalidBackup("no_backup", folder=str(folder), file=MANIFEST)
    if not all(isinstance(rows, int) for rows in collections.values()):
        raise InvalidBackup("no_backup", folder=str(folder), file=MANIFEST)
    return BackupSummary(created, pictures, collections)


def _folder(place: str | Path) -> Path:
    if "://" in str(place):
        raise InvalidBackup("backup_not_local", place=str(place))
    return Path(place).expanduser().absolute()


def _files_of(source: Path) -> list[Path]:
    if source.is_dir():
        return [path for path in source.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return [source] if source.is_file() else []


def _clear(folder: Path) -> None:
    for part in PARTS:
        shutil.rmtree(folder / part, ignore_errors=True)


def _failures_in(folder: Path) -> AbstractContextManager[None]:
    return explained(_failure_in(folder))


def _failure_in(folder: Path) -> Explain:
    """Returns what tells of an OSError that it is the backup that cannot be read or written, and where."""

    def failure(error: OSError) -> LikenessError:
        if is_full(error):
            return StoreUnavailable("backup_disk_full", folder=str(folder))
        path = Path(error.filename or folder)
        if path.is_relative_to(folder) and path != folder:
            file, reason = path.relative_to(folder).as_posix(), reason_of(error)
            return InvalidBackup("backup_failed_at", folder=str(folder), file=file, reason=reason)
        return InvalidBackup("backup_failed", folder=str(folder), reason=reason_of(error))

    return failure
