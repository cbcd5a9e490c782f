"""Stores originals, thumbnails and records in a bucket, by content ID."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from db.images.layout import (
    ADDED_SUFFIX,
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
from db.sources.buckets import answer, failure, file_system
from library.contents.stored_files import StoredFile
from library.errors import InvalidContentId, StoreUnavailable
from library.images import ContentId, parse_content_id
from library.messages import message
from library.records import Record
from library.trash.entries import Trashed

NAMED_BY = "IMAGE_STORE"
LISTING_LIFETIME = 5.0  # seconds: what other processes change is seen after that
LISTING_SHARE = 0.1  # of the time at most goes into listing a large bucket

Timestamps = dict[ContentId, int]  # microseconds


class ObjectStore:
    """Keeps pictures in a bucket. A picture exists once its record does, the last of its objects to appear.

    <2 hex>/<content id>.<extension>            the original, unchanged
    <2 hex>/<content id>.thumb.jpg              the thumbnail
    <2 hex>/<content id>.<microseconds>.added   empty: its name is the time added
    <2 hex>/<content id>.json                   the record
    <2 hex>/<content id>.<microseconds>.trash   once it is deleted, what brings it back; the original stays beside it

    An object cannot be given a time, and its own has whole seconds and is lost when a bucket is copied: the name of the
    empty object makes a listing alone give the order. Where it is missing, the time of the record object is used.
    """

    sets_aside = False  # other programs may keep objects of theirs there

    def __init__(self, url: str) -> None:
        """Connects only when first used. Raises UnknownStore."""
        self._url = url
        self._files, root = file_system(url, NAMED_BY)
        self._root = root.rstrip("/")
        self._catalogue = _BucketCatalogue(self._list)
        self._records = RecordReader()

    def add(self, record: Record, original: bytes | None, thumbnail: bytes) -> None:
        key = self._key(record.content_id)
        added = _microseconds(record.added_at)
        with self._failures_explained():
            objects = {f"{key}{THUMBNAIL_SUFFIX}": thumbnail, f"{key}.{added}{ADDED_SUFFIX}": b""}
            self._files.pipe(objects if original is None else objects | {self._original_key(record): original})
            self._files.pipe_file(f"{key}{RECORD_SUFFIX}", record.to_json().encode())
        self._records.note_written(record.content_id)
        self._catalogue.change(record.content_id, added)

    def update(self, record: Record, original: bytes | None = None) -> None:
        if self.find(record.content_id) is None:
            raise unknown_picture()
        with self._failures_explained():
            if original is not None:
                self._files.pipe_file(self._original_key(record), original)
            self._files.pipe_file(f"{self._key(record.content_id)}{RECORD_SUFFIX}", record.to_json().encode())

    def find(self, id: ContentId) -> Record | None:
        data = self._read(f"{self._key(id)}{RECORD_SUFFIX}")
        return None if data is None else self._records.read(id, data)

    def original(self, id: ContentId) -> bytes:
        record = self.find(id)
        data = self._read(self._original_key(record)) if record else None
        if data is None:
            raise unknown_picture()
        return data

    def has_original(self, record: Record) -> bool:
        with self._failures_explained(), _missing_is_fine():
            self._files.info(self._original_key(record), refresh=True)
            return True
        return False

    def location(self, record: Record) -> str:
        return f"{self._url.partition('://')[0]}://{self._original_key(record)}"

    def thumbnail(self, id: ContentId) -> bytes:
        data = self._read(f"{self._key(id)}{THUMBNAIL_SUFFIX}")
        if data is None:
            raise unknown_picture()
        return data

    def delete(self, id: ContentId) -> None:
        record = self.find(id)
        if record is None:
            return
        key = self._key(id)
        added = f".{_microseconds(record.added_at)}{ADDED_SUFFIX}"
        self._remove(f"{key}{RECORD_SUFFIX}")
        self._catalogue.change(id, None)
        for name in (f"{key}{THUMBNAIL_SUFFIX}", f"{key}{added}", self._original_key(record)):
            self._remove(name)

    def note_trashed(self, trashed: Trashed) -> None:
        record, key = trashed.record, self._key(trashed.record.content_id)
        entry = f"{key}.{_microseconds(trashed.deleted_at)}{TRASH_SUFFIX}"
        with self._failures_explained():
            self._files.pipe_file(entry, trashed.to_json().encode())
        for other in self._files_of(record.content_id):
            if other.endswith(TRASH_SUFFIX) and other != entry:
                self._remove(other)

    def hide(self, record: Record) -> None:
        key = self._key(record.content_id)
        self._remove(f"{key}{RECORD_SUFFIX}")
        self._catalogue.change(record.content_id, None)
        self._remove(f"{key}{THUMBNAIL_SUFFIX}")
        self._remove(f"{key}.{_microseconds(record.added_at)}{ADDED_SUFFIX}")

    def trashed(self) -> dict[ContentId, datetime]:
        return latest_first({id: moment for id, (moment, _) in _entries(self._listed(self._root)).items()})

    def find_trashed(self, ids: Sequence[ContentId]) -> list[Trashed]:
        entries: dict[ContentId, tuple[datetime, str]] = {}
        for folder in {self._key(id).rpartition("/")[0] for id in ids}:
            entries |= _entries(self._listed(folder))
        keys = {entries[id][1]: id for id in ids if id in entries}
        found = self._read_all(list(keys)) if keys else {}
        return [entry for key, id in keys.items() if key in found and (entry := whole_entry(id, found[key]))]

    def clear_trashed(self, id: ContentId) -> None:
        files = self._files_of(id)
        entries = [key for key in files if key.endswith(TRASH_SUFFIX)]
        if entries and f"{self._key(id)}{RECORD_SUFFIX}" not in files:
            for key in set(files) - set(entries):
                self._remove(key)
        for key in entries:  # the last of all: a killed removal is done again
            self._remove(key)

    def files(self) -> Iterator[StoredFile]:
        for key, details in self._listed(self._root).items():
            modified = _modified(details) or datetime.now(UTC)
            yield stored_file(key.removeprefix(f"{self._root}/"), int(details.get("size") or 0), modified)

    def set_aside(self, name: str) -> None:
        raise NotImplementedError(name)

    def read_file(self, name: str) -> bytes:
        data = self._read(f"{self._root}/{name}")
        if data is None:
            raise unknown_picture()
        return data

    def remove_file(self, name: str) -> None:
        self._remove(f"{self._root}/{name}")

    def count(self) -> int:
        return len(self.ids())

    def ids(self) -> Sequence[ContentId]:
        return self._records.without_damaged(self._catalogue.newest_first(), self.find)

    def find_all(self, ids: Sequence[ContentId]) -> list[Record]:
        keys = {f"{self._key(id)}{RECORD_SUFFIX}": id for id in ids}
        if not keys:
            return []
        found = self._read_all(list(keys))
        return [record for key, id in keys.items() if key in found and (record := self._records.read(id, found[key]))]

    def _key(self, id: ContentId) -> str:
        return f"{self._root}/{parse_content_id(id)[:2]}/{id}"

    def _original_key(self, record: Record) -> str:
        return f"{self._root}/{parse_content_id(record.content_id)[:2]}/{original_name(record)}"

    def _read(self, key: str) -> bytes | None:
        with self._failures_explained(), _missing_is_fine():
            return bytes(self._files.cat_file(key))
        return None

    def _read_all(self, keys: list[str]) -> dict[str, bytes]:
        """Returns the data of those keys that are there."""
        found: dict[str, bytes] = {}
        with self._failures_explained():
            for key, data in self._files.cat(keys, on_error="return").items():
                with _missing_is_fine():
                    if isinstance(data, Exception):
                        raise data
                    found[key] = data
        return found

    def _remove(self, key: str) -> None:
        with self._failures_explained(), _missing_is_fine():
            self._files.rm_file(key)

    def _list(self) -> Timestamps:
        listed = self._listed(self._root)
        times = _times_added(listed)
        for id in times:
            details = listed.get(f"{self._key(id)}{RECORD_SUFFIX}", {})
            if int(details.get("size", SHORTEST_RECORD) or 0) < SHORTEST_RECORD:
                self.find(id)
        return times

    def _files_of(self, id: ContentId) -> list[str]:
        key = self._key(id)
        return [each for each in self._listed(key.rpartition("/")[0]) if each.startswith(f"{key}.")]

    def _listed(self, folder: str) -> dict[str, dict[str, Any]]:
        with self._failures_explained(), _missing_is_fine():
            self._files.invalidate_cache()  # that of the Hugging Face Hub keeps listings in any case
            return dict(self._files.find(folder, detail=True))
        return {}

    @contextmanager
    def _failures_explained(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each kind of bucket has a family of exceptions of its own
            place = message("image_store_at", url=self._url)
            raise failure(StoreUnavailable, error, place, NAMED_BY) from error


class _BucketCatalogue:
    """Lists the pictures, newest first. Own changes show at once, those of other processes with the next listing."""

    def __init__(self, list_all: Callable[[], Timestamps]) -> None:
        self._list_all = list_all
        self._listing = threading.Lock()
        self._lock = threading.Lock()
        self._added: Timestamps = {}
        self._sorted: list[ContentId] | None = None
        self._changes: dict[ContentId, int | None] = {}  # since the listing began
        self._fresh_until = 0.0
        self._failed_at = 0.0
        self._failure: StoreUnavailable | None = None

    def change(self, id: ContentId, added: int | None) -> None:
        """Notes a picture that this process has added, or removed (`added=None`)."""
        with self._lock:
            self._changes[id] = added
            self._apply({id: added})

    def newest_first(self) -> list[ContentId]:
        asked = time.monotonic()
        with self._listing:
            # Those who waited for this listing share its result, a failure too.
            if self._failure and self._failed_at > asked:
                raise self._failure
            if self._fresh_until < asked:
                self._refresh()
        with self._lock:
            if self._sorted is None:
                self._sorted = sorted(self._added, key=lambda id: (-self._added[id], id))
            return self._sorted

    def _refresh(self) -> None:
        with self._lock:
            self._changes = {}
        started = time.monotonic()
        try:
            listed = self._list_all()
        except StoreUnavailable as error:
            self._failed_at, self._failure = time.monotonic(), error
            raise
        finished = time.monotonic()
        with self._lock:
            self._added = listed
            self._apply(self._changes)
        self._fresh_until = finished + max(LISTING_LIFETIME, (finished - started) / LISTING_SHARE)

    def _apply(self, changes: dict[ContentId, int | None]) -> None:
        for id, added in changes.items():
            if added is None:
                self._added.pop(id, None)
            else:
                self._added[id] = added
        self._sorted = None


def _times_added(listing: dict[str, dict[str, Any]]) -> Timestamps:
    """Returns the time added of everything that has a record."""
    records: Timestamps = {}
    times: Timestamps = {}
    for key, details in listing.items():
        stem, _, suffix = key.rpartition("/")[2].partition(".")
        with suppress(InvalidContentId, ValueError):
            id = parse_content_id(stem)
            if f".{suffix}" == RECORD_SUFFIX:
                modified = _modified(details)
                records[id] = _microseconds(modified) if modified else 0
            elif suffix.endswith(ADDED_SUFFIX):
                times[id] = max(int(suffix.removesuffix(ADDED_SUFFIX)), times.get(id, 0))
    return {id: times.get(id, stored) for id, stored in records.items()}


def _modified(details: dict[str, Any]) -> datetime | None:
    """Returns when an object was stored, as S3 or the Hugging Face Hub names it."""
    stored = details.get("LastModified") or details.get("uploaded_at")
    return stored if isinstance(stored, datetime) else None


def _entries(listing: dict[str, dict[str, Any]]) -> dict[ContentId, tuple[datetime, str]]:
    """Returns when each picture with an entry in the trash was deleted, and the entry's key, the latest of each."""
    found: dict[ContentId, tuple[datetime, str]] = {}
    for key in listing:
        stem, _, suffix = key.rpartition("/")[2].partition(".")
        if key.endswith(TRASH_SUFFIX):
            with suppress(InvalidContentId, ValueError, OverflowError):
                id = parse_content_id(stem)
                moment = datetime.fromtimestamp(int(suffix.removesuffix(TRASH_SUFFIX)) / 1_000_000, UTC)
                found[id] = max((moment, key), found.get(id, (moment, key)))
    return found


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


@contextmanager
def _missing_is_fine() -> Iterator[None]:
    """Ignores a missing object, but not a missing bucket."""
    try:
        yield
    except FileNotFoundError as error:
        if answer(error).get("Error", {}).get("Code") == "NoSuchBucket":
            raise
