"""Makes a watched folder in memory, a library whose store and index can fail, and a watcher that scans on call."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace

from pytest import LogCaptureFixture

from library.errors import IndexUnavailable, SourceUnavailable, StoreUnavailable
from library.image_library import ImageLibrary
from library.ingest.candidates import SETTLED_AFTER
from library.ingest.items import Item
from library.ingest.watch_source import SourceListing, WatchSource
from library.ingest.watch_state import WatchState
from library.ingest.watcher import Add, Watcher
from library.messages import Message
from library.ports import EncoderInfo, IndexStatus, Vectors
from library.records import Record
from testing.fakes import MemoryCollection, MemoryDatabase, MemoryStore

GONE = Message("Milvus does not answer.")


class Folder:
    """Lists a source in memory; the same bytes at the same path have the same signature."""

    name = "/pictures"
    shows_only_whole = False

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.reads: list[str] = []
        self.written: set[str] = set()
        self.unread: set[str] = set()
        self.mounts: set[str] = set()
        self.unreadable: set[str] = set()
        self.skips: dict[str, Message] = {}
        self.is_away = False

    def listing(self) -> SourceListing:
        if self.is_away:
            raise SourceUnavailable("The folder is not there.")
        signatures = {path: f"{len(data)}:{hash(data)}" for path, data in self.files.items()}
        return SourceListing(signatures, frozenset(self.unread), frozenset(self.mounts), dict(self.skips))

    def item(self, path: str, signature: str) -> Item:
        return Item(path, path.rpartition("/")[2], lambda: self._read(path), f"pictures{path}")

    def skipped(self, path: str, reason: Message) -> Item:
        return Item(path, path.rpartition("/")[2], bytes, f"pictures{path}", skip=reason)

    def is_being_written(self, path: str) -> bool:
        return path in self.written

    def notice(self, changed: threading.Event, should_stop: threading.Event) -> None:
        pass

    def _read(self, path: str) -> bytes:
        self.reads.append(path)
        if path in self.unreadable:
            raise OSError("it does not answer")
        return self.files[path]


class DatabaseThatGoes(MemoryDatabase):
    is_away = False

    def collection(self, encoder: EncoderInfo) -> MemoryCollection:
        name = f"{encoder.name}_{encoder.fingerprint}"
        return self._collections.setdefault(name, CollectionThatGoes(self, name, encoder.dim))

    def delete(self, img_paths: Sequence[str]) -> None:
        self.answer()
        super().delete(img_paths)

    def answer(self) -> None:
        if self.is_away:
            raise IndexUnavailable(GONE.code)


class CollectionThatGoes(MemoryCollection):
    def __init__(self, database: DatabaseThatGoes, name: str, dim: int) -> None:
        super().__init__(name, dim)
        self._database = database

    def upsert(self, records: Sequence[Record], vectors: Vectors) -> None:
        self._database.answer()
        super().upsert(records, vectors)

    def status(self, expected_rows: int | None = None) -> IndexStatus:
        status = super().status(expected_rows)
        return replace(status, problem=GONE, connected=False) if self._database.is_away else status


class StoreThatGoes(MemoryStore):
    refused: tuple[str, ...] = ()

    def add(self, record: Record, original: bytes | None, thumbnail: bytes) -> None:
        if record.name in self.refused:
            raise StoreUnavailable("The disk is full.")
        super().add(record, original, thumbnail)


class Looking:
    def __init__(
        self,
        library: ImageLibrary,
        source: WatchSource,
        delete: bool = False,
        taken: WatchState | None = None,
        add: Add | None = None,
    ) -> None:
        self.now = 1000.0
        taken = WatchState() if taken is None else taken
        self.watcher = Watcher(source, library, add or library.add, taken, delete, lambda: self.now)

    def __call__(self, seconds: float = 2 * SETTLED_AFTER) -> list[tuple[str, str]]:
        self.now += seconds
        rounds = list(self.watcher.scan())
        receipts = [(receipt.path, receipt.status) for found in rounds for receipt in found.receipts]
        return [*receipts, *((removal.path, "deleted") for found in rounds for removal in found.removals)]

    def twice(self) -> list[tuple[str, str]]:
        return [*self(), *self()]


def stored(library: ImageLibrary) -> list[str]:
    return sorted(record.name for record in library.browse(0, 100))


def warnings(caplog: LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]
