"""The way in: read -> hash -> check -> encode -> store -> insert, with a receipt for every file."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal, Protocol

from PIL import Image

from library.errors import IndexUnavailable, LikenessError, RejectedImage, StoreUnavailable, UnknownPicture
from library.images import ContentId, content_id, decode, thumbnail
from library.ports import Vectors
from library.records import Metadata, Record

Status = Literal["new", "duplicate", "rejected", "skipped"]
STATUSES: tuple[Status, ...] = ("new", "duplicate", "rejected", "skipped")

BATCH_FILES = 32
BATCH_BYTES = 64 << 20  # bounds the memory that originals take while they wait for the encoder


@dataclass(frozen=True)
class Item:
    """One file to take in. `read` returns its bytes and may raise OSError; `skip` says why it is left out."""

    path: str
    name: str
    read: Callable[[], bytes]
    source: str = "upload"
    metadata: Metadata = field(default_factory=dict)
    skip: str | None = None


@dataclass(frozen=True)
class FileReceipt:
    path: str
    status: Status
    content_id: ContentId | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Addition:
    """A picture on its way in: decoded, not yet encoded. One that `is_stored` lacks only its row."""

    record: Record
    image: Image.Image
    original: bytes
    thumbnail: bytes
    is_stored: bool


class Destination(Protocol):
    """What a run needs of the library."""

    def known(self, ids: Sequence[ContentId]) -> dict[ContentId, Record]:
        """The records of those that have a row in the present collection."""
        ...

    def stored(self, id: ContentId) -> Record | None: ...
    def encode(self, images: Sequence[Image.Image]) -> Vectors: ...
    def keep(self, additions: Sequence[Addition], vectors: Vectors) -> dict[ContentId, LikenessError]:
        """Stores, then inserts. Returns the pictures that could not be stored; they get no row.

        Raises StoreUnavailable when none could be, IndexUnavailable when Milvus is away.
        """
        ...


@dataclass(frozen=True)
class _File:
    item: Item
    data: bytes
    id: ContentId


def tally(receipts: Iterable[FileReceipt]) -> dict[Status, int]:
    counts = Counter(receipt.status for receipt in receipts)
    return {status: counts[status] for status in STATUSES}


def ingest(
    items: Iterable[Item], destination: Destination, stopped: Callable[[], bool] = lambda: False
) -> Iterator[FileReceipt]:
    """Yields one receipt per item, batch by batch; a bad file never stops the rest.

    `stopped` is asked after each batch. When Milvus or the store goes away, the batch in hand is receipted
    as rejected, the rest as skipped, and then the error is raised: what was kept is complete, and the same
    call later does the rest.
    """
    remaining = iter(items)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while batch := _next_batch(remaining):
            try:
                yield from _take_in(batch, destination, pool)
            except (IndexUnavailable, StoreUnavailable) as error:
                yield from (_cut_off(entry, error) for entry in batch)
                yield from _skipped(remaining, f"Not tried. {error}")
                raise
            if stopped():
                yield from _skipped(remaining, "Stopped before this file.")


def _next_batch(items: Iterator[Item]) -> list[_File | FileReceipt]:
    batch: list[_File | FileReceipt] = []
    size = 0
    for item in items:
        entry = _read(item)
        batch.append(entry)
        size += len(entry.data) if isinstance(entry, _File) else 0
        if len(batch) == BATCH_FILES or size >= BATCH_BYTES:
            break
    return batch


def _read(item: Item) -> _File | FileReceipt:
    if item.skip:
        return FileReceipt(item.path, "skipped", reason=item.skip)
    try:
        data = item.read()
    except UnknownPicture as error:  # deleted from the library since it was listed
        return FileReceipt(item.path, "skipped", reason=str(error))
    except OSError as error:
        return FileReceipt(item.path, "rejected", reason=f"The file cannot be read: {error.strerror or error}.")
    return _File(item, data, content_id(data))


def _take_in(
    batch: Sequence[_File | FileReceipt], destination: Destination, pool: ThreadPoolExecutor
) -> list[FileReceipt]:
    files = [entry for entry in batch if isinstance(entry, _File)]
    first_of: dict[ContentId, _File] = {}
    for file in files:
        first_of.setdefault(file.id, file)
    known = destination.known(list(first_of))
    fresh = [file for id, file in first_of.items() if id not in known]
    prepared = list(pool.map(partial(_prepare, destination), fresh, _moments(len(fresh))))
    failed: dict[ContentId, LikenessError] = {}
    failed |= {file.id: error for file, error in zip(fresh, prepared, strict=True) if isinstance(error, RejectedImage)}
    additions = [addition for addition in prepared if isinstance(addition, Addition)]
    if additions:
        vectors = destination.encode([addition.image for addition in additions])
        failed |= destination.keep(additions, vectors)

    def receipt(entry: _File | FileReceipt) -> FileReceipt:
        if isinstance(entry, FileReceipt):
            return entry
        if error := failed.get(entry.id):
            return FileReceipt(entry.item.path, "rejected", entry.id, str(error))
        if record := known.get(entry.id):
            return _duplicate(entry, record.name)
        if first_of[entry.id] is not entry:
            return _duplicate(entry, first_of[entry.id].item.name)
        return FileReceipt(entry.item.path, "new", entry.id)

    return [receipt(entry) for entry in batch]


def _moments(count: int) -> list[datetime]:
    """Now, and a microsecond later each time: the order of the files is the order in the library."""
    now = datetime.now(UTC)
    return [now + timedelta(microseconds=step) for step in range(count)]


def _prepare(destination: Destination, file: _File, moment: datetime) -> Addition | RejectedImage:
    try:
        picture = decode(file.data)
    except RejectedImage as error:
        return error
    stored = destination.stored(file.id)
    record = stored or Record.of(
        file.id,
        picture,
        size=len(file.data),
        name=file.item.name,
        added=moment,
        source=file.item.source,
        metadata=file.item.metadata,
    )
    small = b"" if stored else thumbnail(picture)
    return Addition(record, picture.image, file.data, small, is_stored=stored is not None)


def _duplicate(file: _File, name: str) -> FileReceipt:
    return FileReceipt(file.item.path, "duplicate", file.id, f"The same picture as {name}.")


def _cut_off(entry: _File | FileReceipt, error: LikenessError) -> FileReceipt:
    if isinstance(entry, FileReceipt):
        return entry
    return FileReceipt(entry.item.path, "rejected", entry.id, str(error))


def _skipped(items: Iterable[Item], reason: str) -> Iterator[FileReceipt]:
    return (FileReceipt(item.path, "skipped", reason=item.skip or reason) for item in items)
