"""The way in: read -> hash -> look up -> decode -> encode -> store -> insert, with a receipt for every file."""

import os
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal, Protocol, get_args

from PIL import Image

from library.errors import (
    IndexUnavailable,
    InvalidSelection,
    LikenessError,
    OriginalAway,
    RejectedImage,
    StoreUnavailable,
    UnknownPicture,
)
from library.images import ContentId, content_id, decode, thumbnail
from library.ingest.prefetch import prefetch, prefetch_map
from library.ports import Vectors
from library.records import Metadata, Record, given

Status = Literal["new", "updated", "duplicate", "rejected", "skipped"]
STATUSES: tuple[Status, ...] = ("new", "updated", "duplicate", "rejected", "skipped")

Near = Literal["take", "note", "skip"]  # what becomes of a near-duplicate of a picture that is there

BATCH_SIZE = 32  # new pictures
BATCH_FILES = 512  # so that receipts flow where nothing is new
BATCH_BYTES = 64 << 20  # bounds the memory that originals take while they wait for the encoder
BATCHES_AHEAD = 1
READERS = 8  # they wait for disks and networks
READ_AHEAD = 16
LOOKED_UP_AT_ONCE = 32
DECODED_AHEAD = 16
ENCODED_AT_ONCE = 2


@dataclass(frozen=True)
class Item:
    """One file to take in. `read` returns its bytes and may raise OSError; `skip` says why it is left out.

    Metadata of None take away what the picture had under that name. `original_at` is the path or URL under which the
    bytes can be had again later, where there is one.
    """

    path: str
    name: str
    read: Callable[[], bytes]
    source: str = "upload"
    metadata: Metadata = field(default_factory=dict)
    skip: str | None = None
    original_at: str = ""


@dataclass(frozen=True)
class FileReceipt:
    path: str
    status: Status
    content_id: ContentId | None = None
    reason: str | None = None
    near_duplicate_of: ContentId | None = None


class Setback(FileReceipt):
    """Rejected for a reason that does not lie in the picture: the same file may go in later."""


@dataclass(frozen=True)
class Addition:
    """A picture on its way in: decoded, not yet encoded. One that `is_stored` lacks only its row."""

    record: Record
    image: Image.Image
    original: bytes | None  # None where it is not to be stored
    thumbnail: bytes
    is_stored: bool


@dataclass(frozen=True)
class Update:
    """A new record for a picture that is there; with the original, where that is to be stored from now on."""

    record: Record
    original: bytes | None


@dataclass(frozen=True)
class Known:
    """What the library has of a picture already."""

    record: Record
    has_row: bool


class Destination(Protocol):
    """What a run needs of the library. All of it may be called from several threads."""

    @property
    def working_side(self) -> int:
        """What the shorter side of a decoded picture is to have at least."""
        ...

    def known(self, ids: Sequence[ContentId]) -> dict[ContentId, Known]:
        """Those of them that are stored."""
        ...

    def superseded(self, ids: Sequence[ContentId]) -> dict[ContentId, Record]:
        """What was kept instead of those that were given up as near-duplicates, where it is still there."""
        ...

    def encode(self, images: Sequence[Image.Image]) -> Vectors: ...
    def resembled(self, additions: Sequence[Addition], vectors: Vectors, only_kept: bool) -> dict[ContentId, Record]:
        """What those that are near-duplicates resemble: pictures of the library, or additions before them.

        With `only_kept`, they are not going to be kept.
        """
        ...

    def keep(self, additions: Sequence[Addition], vectors: Vectors) -> dict[ContentId, LikenessError]:
        """Stores, then inserts. Returns the pictures that could not be kept; they get no row.

        Raises StoreUnavailable when none could be stored, IndexUnavailable when Milvus is away.
        """
        ...

    def update(self, updates: Sequence[Update]) -> dict[ContentId, LikenessError]:
        """Rows, then records; nothing is encoded. Returns and raises as `keep` does."""
        ...


def tally(receipts: Iterable[FileReceipt]) -> dict[Status, int]:
    counts = Counter(receipt.status for receipt in receipts)
    return {status: counts[status] for status in STATUSES}


def as_near(text: str) -> Near:
    """Raises InvalidSelection."""
    for near in get_args(Near):
        if text == near:
            return near  # type: ignore[no-any-return]
    raise InvalidSelection(f"--near-duplicates {text} is not possible: {', '.join(get_args(Near))} are.")


def was_interrupted(items: Iterable[Item], should_stop: Callable[[], bool], skipped: int) -> bool:
    """Whether a run over the items ended before the last of them because it was told to."""
    return should_stop() and (skipped > 0 or not isinstance(items, Sequence))


def ingest(
    items: Iterable[Item],
    destination: Destination,
    should_stop: Callable[[], bool] = lambda: False,
    batch_size: int = BATCH_SIZE,
    in_place: bool = False,
    near: Near = "take",
) -> Iterator[FileReceipt]:
    """Yields one receipt per item, in order; a bad file never stops the rest. Of what was not listed yet when a
    run is cut short there is none.

    `in_place` stores no originals of items that have an `original_at`. Near-duplicates are looked for unless `near` is
    "take"; those that were given up for another picture are left out in any case.

    While one batch of `batch_size` new pictures is stored and inserted by the caller's thread, the next two are
    encoded, and the one after those is read and decoded.

    `stopped` is asked after each batch. When Milvus, the store or a source goes away, the batch in hand is
    receipted as rejected, the rest as skipped, and then the error is raised: what was kept is complete, and the
    same call later does the rest.
    """
    remaining = iter(items)
    reason, problem = "", None
    with (
        closing(_Stages(destination, batch_size, in_place, near)) as stages,
        closing(stages.batches(remaining)) as batches,
    ):
        for batch in batches:
            if reason:
                yield from batch.skipped(reason)
                continue
            problem = stages.keep(batch)
            yield from batch.receipts(problem)
            if problem or should_stop():
                reason = f"Not tried. {problem}" if problem else "Stopped before this file."
                stages.stop()
    if reason and isinstance(items, Sequence):  # the rest of an archive or a bucket would have to be listed for that
        yield from (FileReceipt(item.path, "skipped", reason=item.skip or reason) for item in remaining)
    if problem := problem or stages.source_problem:
        raise problem


@dataclass
class _File:
    """One item on its way in. `receipt` is there as soon as its fate is known."""

    item: Item
    data: bytes = b""
    id: ContentId | None = None
    addition: Addition | None = None
    known: Known | None = None
    record: Record | None = None  # of a known picture, as it is to be
    update: Update | None = None
    same_as: ContentId | None = None  # a picture of this run that has no row yet
    moment: datetime = datetime.min
    receipt: FileReceipt | None = None

    def settle(self, status: Status, reason: str | None = None, near: ContentId | None = None) -> None:
        self._close(FileReceipt(self.item.path, status, self.id, reason, near))

    def set_back(self, reason: str) -> None:
        self._close(Setback(self.item.path, "rejected", self.id, reason))

    def share_fate(self, receipt: FileReceipt) -> None:
        self._close(replace(receipt, path=self.item.path))

    def _close(self, receipt: FileReceipt) -> None:
        self.receipt = receipt
        self.data = b""


@dataclass
class _Batch:
    files: list[_File] = field(default_factory=list)
    additions: list[Addition] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    size: int = 0  # bytes that wait for the encoder
    vectors: Vectors | None = None
    problem: LikenessError | None = None

    def append(self, file: _File) -> None:
        self.files.append(file)
        if file.addition:
            self.additions.append(file.addition)
        if file.update:
            self.updates.append(file.update)
        if change := file.addition or file.update:
            self.size += len(change.original or b"")

    def is_full(self, batch_size: int) -> bool:
        return len(self.additions) >= batch_size or self.size >= BATCH_BYTES or len(self.files) >= BATCH_FILES

    def receipts(self, problem: LikenessError | None) -> Iterator[FileReceipt]:
        """Of a batch that was kept, or that a problem cut off."""
        if problem:
            return self._settled(partial(_File.set_back, reason=str(problem)), everything=True)
        return self._settled(partial(_File.settle, status="new"))

    def skipped(self, reason: str) -> Iterator[FileReceipt]:
        return self._settled(partial(_File.settle, status="skipped", reason=reason), everything=True)

    def _settled(self, settle: Callable[[_File], None], everything: bool = False) -> Iterator[FileReceipt]:
        """`everything`: what was promised for after this batch, too."""
        for file in self.files:
            if file.receipt is None or ((file.same_as or file.update) and everything):
                settle(file)
            assert file.receipt
            yield file.receipt


class _Stages:
    """What happens to files before they are kept, each stage ahead of the next."""

    def __init__(self, destination: Destination, batch_size: int, in_place: bool, near: Near) -> None:
        self._destination = destination
        self._batch_size = batch_size
        self._in_place = in_place
        self._near = near
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        self._decoders = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="decode")
        self._encoders = ThreadPoolExecutor(ENCODED_AT_ONCE, thread_name_prefix="encode")
        self._pending: dict[ContentId, str] = {}  # names of the pictures of this run that have no row yet
        self._failed: dict[ContentId, FileReceipt] = {}
        self._described: set[ContentId] = set()  # of two rows about one picture, the first counts in every run
        self._moment = datetime.min.replace(tzinfo=UTC)
        self._over = False
        self._problem: LikenessError | None = None
        self.source_problem: LikenessError | None = None

    def stop(self) -> None:
        """No further item is begun; what is under way still comes out."""
        self._over = True

    def close(self) -> None:
        self._readers.shutdown()
        self._decoders.shutdown()
        self._encoders.shutdown()

    def batches(self, items: Iterator[Item]) -> Generator[_Batch, None, None]:
        return prefetch(self._encoded(prefetch(self._gathered(items), BATCHES_AHEAD)), BATCHES_AHEAD)

    def keep(self, batch: _Batch) -> LikenessError | None:
        """What cut this batch off, if anything did."""
        if batch.problem:
            return batch.problem
        errors: dict[ContentId, LikenessError] = {}
        resembled: dict[ContentId, Record] = {}
        try:
            if batch.vectors is not None:
                resembled = self._resembled(batch)
                errors |= self._keep_new(batch, batch.vectors, resembled if self._near == "skip" else {})
            if batch.updates:
                errors |= self._destination.update(batch.updates)
        except (IndexUnavailable, StoreUnavailable) as error:
            return error
        for file in batch.files:
            if file.addition and file.id and (other := resembled.get(file.id)):
                status: Status = "skipped" if self._near == "skip" else "new"
                file.settle(status, f"A near-duplicate of {other.name}.", other.content_id)
            self._note(file, errors)
        return None

    def _resembled(self, batch: _Batch) -> dict[ContentId, Record]:
        if self._near == "take" or batch.vectors is None:
            return {}
        try:
            return self._destination.resembled(batch.additions, batch.vectors, only_kept=self._near == "skip")
        except (IndexUnavailable, StoreUnavailable):
            if self._near == "skip":
                raise
            return {}  # a note is no reason to lose the picture: keeping it tells what is away

    def _keep_new(
        self, batch: _Batch, vectors: Vectors, left_out: Mapping[ContentId, Record]
    ) -> dict[ContentId, LikenessError]:
        wanted = [addition.record.content_id not in left_out for addition in batch.additions]
        if not any(wanted):
            return {}
        additions = [addition for addition, is_wanted in zip(batch.additions, wanted, strict=True) if is_wanted]
        return self._destination.keep(additions, vectors[wanted])

    def _note(self, file: _File, errors: Mapping[ContentId, LikenessError]) -> None:
        """Remembers what later copies of the same picture in this run have to be told."""
        if file.same_as:
            if receipt := self._failed.get(file.same_as):
                file.share_fate(receipt)
        elif file.id:
            if error := errors.get(file.id):
                file.set_back(str(error))
            if file.receipt and file.receipt.status in ("rejected", "skipped"):
                self._failed[file.id] = file.receipt
            else:
                self._failed.pop(file.id, None)
            self._pending.pop(file.id, None)

    def _encoded(self, batches: Iterable[_Batch]) -> Generator[_Batch, None, None]:
        """Two at once: a core that is done with its part of one batch begins the next."""
        yield from prefetch_map(self._encode, batches, self._encoders, ENCODED_AT_ONCE)

    def _encode(self, batch: _Batch) -> _Batch:
        if batch.additions and not batch.problem and not self._over:
            batch.vectors = self._destination.encode([addition.image for addition in batch.additions])
        return batch

    def _gathered(self, items: Iterator[Item]) -> Generator[_Batch, None, None]:
        batch = _Batch()
        for file in prefetch_map(self._decode, self._looked_up(items), self._decoders, DECODED_AHEAD):
            batch.append(file)
            if batch.is_full(self._batch_size):
                yield self._marked(batch)
                batch = _Batch()
        if batch.files:
            yield self._marked(batch)

    def _marked(self, batch: _Batch) -> _Batch:
        batch.problem = self._problem
        return batch

    def _looked_up(self, items: Iterator[Item]) -> Iterator[_File]:
        window: list[_File] = []
        for file in prefetch_map(self._read, self._wanted(items), self._readers, READ_AHEAD):
            window.append(file)
            if len(window) == LOOKED_UP_AT_ONCE or sum(len(file.data) for file in window) >= BATCH_BYTES:
                yield from self._look_up(window)
                window = []
        yield from self._look_up(window)

    def _wanted(self, items: Iterator[Item]) -> Iterator[Item]:
        while not (self._over or self._problem):
            try:
                yield next(items)
            except StopIteration:
                return
            except LikenessError as error:
                self.source_problem = error
                return

    def _read(self, item: Item) -> _File:
        file = _File(item)
        if item.skip:
            file.settle("skipped", item.skip)
            return file
        try:
            file.data = item.read()
            file.id = content_id(file.data)
        except UnknownPicture as error:  # deleted from the library since it was listed
            file.settle("skipped", str(error))
        except RejectedImage as error:
            file.settle("rejected", str(error))
        except OriginalAway as error:
            file.set_back(str(error))
        except OSError as error:
            file.set_back(f"The file cannot be read: {error.strerror or error}.")
        except StoreUnavailable as error:
            self._problem = error
        return file

    def _look_up(self, window: Sequence[_File]) -> Sequence[_File]:
        read = [file for file in window if file.id and not file.receipt]
        # Asked in this order: a picture leaves `_pending` only after its row is there.
        names = {file.id: name for file in read if file.id and (name := self._pending.get(file.id))}
        try:
            known = {} if self._problem else self._destination.known([file.id for file in read if file.id])
            unknown = [file.id for file in read if file.id and file.id not in known]
            superseded = {} if self._problem else self._destination.superseded(unknown)
        except (IndexUnavailable, StoreUnavailable) as error:
            self._problem = error
        if self._problem:
            return window
        for file in read:
            assert file.id
            file.known = known.get(file.id)
            file.record = self._renewed(file)
            if name := names.get(file.id):
                file.same_as = file.id
                file.settle("duplicate", f"The same picture as {name}.")
            elif file.known and file.known.has_row:
                _compare(file, file.known.record)
            elif kept := superseded.get(file.id):
                file.settle("skipped", f"A near-duplicate of {kept.name}, which was kept instead.", kept.content_id)
            else:
                names[file.id] = self._pending[file.id] = file.item.name
                file.moment = self._next_moment()
        return window

    def _renewed(self, file: _File) -> Record | None:
        """The record of a known picture with what the item says of it."""
        assert file.id
        said = {} if file.id in self._described else file.item.metadata
        if said:
            self._described.add(file.id)
        if file.known is None:
            return None
        record = file.known.record
        metadata = given({**record.metadata, **said})
        if not record.original_at:
            return replace(record, metadata=metadata)
        original_at = (file.item.original_at or record.original_at) if self._in_place else ""
        return replace(record, metadata=metadata, original_at=original_at)

    def _next_moment(self) -> datetime:
        """The order of the files is the order in the library."""
        self._moment = max(datetime.now(UTC), self._moment + timedelta(microseconds=1))
        return self._moment

    def _decode(self, file: _File) -> _File:
        if not (file.receipt or self._problem or self._over):
            try:
                file.addition = _addition(file, self._in_place, self._destination.working_side)
            except RejectedImage as error:
                file.settle("rejected", str(error))
        return file


def _compare(file: _File, stored: Record) -> None:
    """Settles what is in the library already."""
    if file.record is None or file.record == stored:
        file.settle("duplicate", f"The same picture as {stored.name}.")
        return
    file.update = Update(file.record, _wanted_original(file, stored))
    is_metadata = file.record.metadata != stored.metadata
    file.settle(
        "updated", "What is kept with it has changed." if is_metadata else "The place of its original has changed."
    )


def _wanted_original(file: _File, stored: Record) -> bytes | None:
    """Of a known picture whose original was not stored so far and now is to be."""
    return file.data if stored.original_at and file.record and not file.record.original_at else None


def _addition(file: _File, in_place: bool, working_side: int) -> Addition:
    """Raises RejectedImage."""
    assert file.id
    picture = decode(file.data, working_side)
    if file.known and file.record:
        original = _wanted_original(file, file.known.record)
        return Addition(file.record, picture.image, original, b"", is_stored=True)
    original_at = file.item.original_at if in_place else ""
    record = Record.of(
        file.id,
        picture,
        size=len(file.data),
        name=file.item.name,
        added=file.moment,
        source=file.item.source,
        metadata=file.item.metadata,
        original_at=original_at,
    )
    return Addition(record, picture.image, None if original_at else file.data, thumbnail(picture), is_stored=False)
