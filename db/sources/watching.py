"""Lists folders and buckets that are watched, with signatures, and wakes a watcher when one changes."""

import errno
import logging
import os
import signal
import stat
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import watchfiles

from db.files.own_folders import OwnFolders
from db.sources.addresses import checked_place, path_in
from db.sources.bucket_items import object_item, reason_to_skip_key, sidecars_in
from db.sources.buckets import failure, file_system
from db.sources.files import at_home, file_item
from db.sources.local_files import ANYWHERE
from db.sources.sidecars.folder import Sidecars
from db.sources.walk import Found, walk
from library.errors import SourceUnavailable, UnknownSource
from library.images import check_bytes, reason_to_skip_folder
from library.ingest.items import Item
from library.ingest.watch_source import SourceListing, WatchSource
from library.messages import Message, message
from library.messages.reasons import reason_of

logger = logging.getLogger(__name__)

OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss"})
SIGNS_OF_CHANGE = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "updated", "modified")
QUIET = 100  # milliseconds without an event after which the watcher is woken
WOKEN_AFTER = 500  # milliseconds, however many events come
RETRY_AFTER = 1.0  # seconds
NOT_TOLD = "%s is only listed every --every, since its changes are not reported: %s"
NAME_NO_UTF8 = (
    "%s is only listed every --every, since a name in it is not UTF-8 (%s). Rename that file to hear of changes at once"
)


def watched(source: str, library_folders: Sequence[Path] = (), sidecars: bool = True) -> WatchSource:
    """Returns a folder or bucket as a source to watch, without what the library itself keeps in `library_folders`.

    With `sidecars`, what lies beside the pictures is watched and read, too. Raises UnknownSource for anything else and
    for what is not there, SourceUnavailable for a bucket out of reach.
    """
    if not source.strip():
        raise UnknownSource("source_empty")
    source = checked_place(path_in(source), UnknownSource)
    if "://" in source:
        return WatchedBucket(source, sidecars)
    folder = at_home(source).absolute()
    if not folder.is_dir():
        if folder.exists():
            raise UnknownSource("no_folder_to_watch", source=source)
        if folder.is_symlink():
            raise UnknownSource("link_leads_nowhere", source=source)
        raise UnknownSource("nothing_to_watch", source=source)
    if OwnFolders(library_folders).hold(folder):
        raise UnknownSource("own_files_not_watched", source=source)
    return WatchedFolder(folder, library_folders, sidecars)


class WatchedFolder:
    """Lists a folder with all below it; links to folders are not followed. The file system wakes it, where it can."""

    shows_only_whole = False

    def __init__(self, folder: Path, library_folders: Sequence[Path] = (), sidecars: bool = True) -> None:
        self.name = str(folder)
        self._reads_sidecars = sidecars
        self._beside: dict[str, Sidecars] = {}  # by folder
        self._folder = folder
        self._own_name = folder.resolve().name
        self._library_folders = library_folders

    def listing(self) -> SourceListing:
        identity = self._identity()
        signatures: dict[str, str] = {}
        unread: set[str] = set()
        mounts: set[str] = set()
        skips: dict[str, Message] = {}

        def note_mount(folder: Path) -> None:
            if folder != self._folder and _is_other_disk(str(folder)):
                mounts.add(str(folder))

        for found in walk(self._folder, self._library_folders, self._reads_sidecars, note_mount, looks_inside=False):
            path = str(found.path)
            if found.problem:
                self._note_problem(found.problem, path, unread)
            elif found.skip and found.skip.code != "link_to_nothing":
                skips[path] = _as_watched(found.skip)
            elif signature := _signature_at(path):
                signatures[path] = "|".join([signature, *self._signatures_beside(found)])
            elif os.path.lexists(path):  # a link that leads nowhere, for the time being
                unread.add(path)
                skips |= {path: found.skip} if found.skip else {}
        if self._identity() != identity:
            raise SourceUnavailable("folder_exchanged", folder=self.name)
        return SourceListing(signatures, frozenset(unread), frozenset(mounts), skips)

    def item(self, path: str, signature: str) -> Item:
        item = file_item(Path(path), self._below(path), sidecars=self._beside.get(os.path.dirname(path)))
        return replace(item, read=partial(_read_unchanged, path, signature.partition("|")[0]))

    def skipped(self, path: str, reason: Message) -> Item:
        return file_item(Path(path), self._below(path), reason)

    def is_being_written(self, path: str) -> bool:
        """Tells whether anyone has the file open for writing; only Linux knows, of local files of one's own."""
        if sys.platform != "linux":
            return False
        import fcntl

        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            # A writer that comes in between is announced by a signal, which by default would end the process.
            fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return False

    def notice(self, changed: threading.Event, should_stop: threading.Event) -> None:
        threading.Thread(target=self._notice, args=[changed, should_stop], name="watchfiles", daemon=True).start()

    def _notice(self, changed: threading.Event, should_stop: threading.Event) -> None:
        """Wakes the watcher on every change; where the file system tells of none, the listings find what is new."""
        was_told = False
        while not should_stop.is_set():
            try:
                self._notice_this(changed, should_stop)
            except Exception as error:  # of its core, too
                if not was_told and os.path.isdir(self._folder):
                    logger.warning(NAME_NO_UTF8 if "decode path" in str(error) else NOT_TOLD, self.name, error)
                    was_told = True
            should_stop.wait(RETRY_AFTER)

    def _notice_this(self, changed: threading.Event, should_stop: threading.Event) -> None:
        """Listens until the folder is another one: a disk was mounted there, or it was made anew."""
        identity = self._identity()
        is_first = True  # what came before it was listened to
        for changes in watchfiles.watch(
            self._folder,
            watch_filter=None,
            step=QUIET,
            debounce=WOKEN_AFTER,
            stop_event=should_stop,
            rust_timeout=1000,
            yield_on_timeout=True,
            raise_interrupt=False,
            ignore_permission_denied=True,
        ):
            if changes or is_first:
                changed.set()
            is_first = False
            if self._identity() != identity:
                return

    def _below(self, path: str) -> str:
        return PurePosixPath(self._own_name, os.path.relpath(path, self._folder)).as_posix()

    def _identity(self) -> tuple[int, int]:
        try:
            found = os.stat(self._folder)
        except OSError as error:
            raise SourceUnavailable("folder_not_read", folder=self.name, reason=reason_of(error)) from None
        return found.st_dev, found.st_ino

    def _signatures_beside(self, found: Found) -> Iterator[str]:
        """Yields the signatures of the sidecars of a picture, which are found out again only where names changed."""
        if found.sidecars is None:
            return
        folder, name = os.path.split(found.path)
        known = self._beside.get(folder)
        if known is None or known.names != found.sidecars.names:
            known = self._beside[folder] = found.sidecars
        yield from (_signature_at(os.path.join(folder, each)) for each in known.of(name))

    def _note_problem(self, problem: OSError, path: str, unread: set[str]) -> None:
        if path == self.name:
            raise SourceUnavailable("folder_not_read", folder=self.name, reason=reason_of(problem))
        if not isinstance(problem, FileNotFoundError | NotADirectoryError):
            unread.add(path)


class WatchedBucket:
    """Lists a bucket that fsspec reaches, now and then, since nothing tells of changes."""

    def __init__(self, url: str, sidecars: bool = True) -> None:
        self._reads_sidecars = sidecars
        self._beside: dict[str, Sidecars] = {}  # by folder
        self._files, self._root = file_system(url)
        self._scheme = url.partition("://")[0]
        self.name = url
        self.shows_only_whole = self._scheme in OBJECT_STORES
        self._check()

    def listing(self) -> SourceListing:
        try:
            found = self._files.find(self._root, detail=True)
        except FileNotFoundError:
            found = {}
        except Exception as error:  # each kind of bucket has a family of exceptions of its own
            raise failure(SourceUnavailable, error, message("source_at", url=self.name)) from error
        self._beside = self._sidecars(found) if self._reads_sidecars else {}
        signatures: dict[str, str] = {}
        skips: dict[str, Message] = {}
        for key, details in found.items():
            if left_out := self._left_out(key, int(details.get("size") or 0)):
                place, reason = left_out
                skips[self._url(place)] = _as_watched(reason)
            elif not key.endswith("/"):  # which only marks a folder
                signatures[self._url(key)] = self._signed(key, found)
        return SourceListing(signatures, skips=skips)

    def item(self, path: str, signature: str) -> Item:
        size = int(signature.partition(":")[0])
        key = path.partition("://")[2]
        return object_item(self._files, path, key, size, self._below(key), self._beside.get(key.rpartition("/")[0]))

    def skipped(self, path: str, reason: Message) -> Item:
        return Item(path, PurePosixPath(path).name, bytes, path, skip=reason)

    def is_being_written(self, path: str) -> bool:
        return False

    def notice(self, changed: threading.Event, should_stop: threading.Event) -> None:
        pass

    def _left_out(self, key: str, size: int) -> tuple[str, Message] | None:
        """Returns what is left out with a key, itself or the whole folder that it lies in, and why."""
        folder, _, name = key.rpartition("/")
        below = self._below(folder)
        for parent in reversed([PurePosixPath(below), *PurePosixPath(below).parents]):
            if reason := reason_to_skip_folder(parent.name):
                return f"{folder[: len(folder) - len(below)]}{parent}/", reason
        beside = self._beside.get(folder)
        found = (beside and beside.reason_if_one(name)) or reason_to_skip_key(self._below(key), size)
        return (key, found) if found else None

    def _sidecars(self, found: Mapping[str, Mapping[str, Any]]) -> dict[str, Sidecars]:
        folders: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for key, details in found.items():
            folder, _, name = key.rpartition("/")
            folders[folder][name] = int(details.get("size") or 0)
        return {folder: sidecars_in(self._files, folder, sizes) for folder, sizes in folders.items()}

    def _signed(self, key: str, found: Mapping[str, Mapping[str, Any]]) -> str:
        """Returns the signature of an object and of its sidecars."""
        folder, _, name = key.rpartition("/")
        beside = self._beside[folder].of(name) if folder in self._beside else []
        return "|".join(map(_signature_of, [found[key], *(found[f"{folder}/{each}"] for each in beside)]))

    def _check(self) -> None:
        """Raises an error unless the bucket is there; a folder in it appears with its first object."""
        try:
            kind = self._kind(self._root) or self._kind(self._root.partition("/")[0])
        except Exception as error:
            raise failure(SourceUnavailable, error, message("source_at", url=self.name)) from error
        if kind is None:
            raise UnknownSource("nothing_at", url=self.name)
        if kind == "file":
            raise UnknownSource("no_folder_to_watch", source=self.name)

    def _kind(self, key: str) -> str | None:
        try:
            return str(self._files.info(key)["type"]) if key else None
        except FileNotFoundError:
            return None

    def _below(self, key: str) -> str:
        return key.removeprefix(self._root).lstrip("/")

    def _url(self, key: str) -> str:
        return f"{self._scheme}://{key}"


def _as_watched(skip: Message) -> Message:
    """Returns the reason; archives among the files are told what to do, since none is ever opened."""
    return message("archive_not_watched") if skip.code == "archive_within" else skip


def _is_other_disk(folder: str) -> bool:
    try:
        return os.stat(folder).st_dev != os.stat(os.path.dirname(folder)).st_dev
    except OSError:
        return False


def _signature_at(path: str) -> str:
    """Returns the signature of a file; an empty text for what is none, or not there."""
    try:
        found = os.stat(path)
    except OSError:
        return ""
    return _signature(found) if stat.S_ISREG(found.st_mode) else ""


def _signature(found: os.stat_result) -> str:
    return f"{found.st_size}:{found.st_mtime_ns}"


def _signature_of(details: Mapping[str, Any]) -> str:
    sign = next((details[name] for name in SIGNS_OF_CHANGE if details.get(name)), "")
    return f"{int(details.get('size') or 0)}:{sign}"


def _read_unchanged(path: str, signature: str) -> bytes:
    """Reads a file. Raises OSError where it is no longer the one that was listed."""
    with ANYWHERE.open(Path(path)) as file:
        check_bytes(os.fstat(file.fileno()).st_size)
        data = file.read()
        if _signature(os.fstat(file.fileno())) != signature or len(data) != int(signature.partition(":")[0]):
            raise OSError(errno.EBUSY, Message("system_file_changes"))
    return data
