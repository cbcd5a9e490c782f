"""Holds the files of an import that are encoded and stored together, and what becomes of each of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from library.errors import LikenessError
from library.images import ContentId
from library.ingest.destinations import Addition, Known, Update
from library.ingest.items import Described, Item
from library.ingest.receipts import FileReceipt, Status
from library.messages import Message, both
from library.ports import Vectors
from library.records import Metadata, Record
from library.running.budget import Reservation

BATCH_SIZE = 32  # new pictures
BATCH_FILES = 512  # so that receipts flow where nothing is new
BATCH_BYTES = 64 << 20  # bounds the memory that originals take while they wait for the encoder


@dataclass
class PendingFile:
    """Holds one item that is being imported. Its `receipt` is set as soon as its fate is known."""

    item: Item
    data: bytes = b""
    described: Described = field(default_factory=Described)
    explicit: Metadata = field(default_factory=dict)  # what is to be kept of the item's metadata
    said: Metadata = field(default_factory=dict)  # and of what its sidecars say
    id: ContentId | None = None
    addition: Addition | None = None
    known: Known | None = None
    record: Record | None = None  # of a known picture, as it is to be
    update: Update | None = None
    same_as: ContentId | None = None  # a picture of this run that has no row yet
    added: datetime = datetime.min
    note: Message | None = None  # on its sidecars, and on the picture as it was decoded
    receipt: FileReceipt | None = None
    reservation: Reservation | None = None  # on the memory that its bytes take
    is_pause: bool = False  # no file, but what has each stage hand on all that it holds

    def settle(self, status: Status, reason: Message | None = None, near: ContentId | None = None) -> None:
        """Sets the receipt of the file; `near` is the picture that this one is a near-duplicate of."""
        self._close(FileReceipt(self.item.path, status, self.id, both(both(reason, self.item.note), self.note), near))

    def reject_for_now(self, reason: Message) -> None:
        """Rejects the file for a reason that does not lie in the picture."""
        self._close(FileReceipt(self.item.path, "rejected", self.id, both(reason, self.item.note), may_retry=True))

    def share_fate(self, receipt: FileReceipt) -> None:
        """Takes over the receipt of another file with the same picture."""
        self._close(replace(receipt, path=self.item.path))

    def _close(self, receipt: FileReceipt) -> None:
        self.receipt = receipt
        self.data = b""
        if not (self.addition or self.update):
            self.let_go()

    def let_go(self) -> None:
        """Forgets the bytes of the file, whatever still refers to them, and gives back their room."""
        self.data, self.addition, self.update = b"", None, None
        if self.reservation:
            self.reservation.give_back()


@dataclass
class RunState:
    """Holds what the stages of one run, each on its own thread, tell each other."""

    pending: dict[ContentId, str] = field(default_factory=dict)  # names of the pictures that have no row yet
    problem: LikenessError | None = None  # of the library; it ends the run
    source_problem: LikenessError | None = None
    is_stopped: bool = False  # no further item is begun
    stop_seen: float | None = None  # since when it was asked to stop

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Stops the run after the block, so that it begins no further item, however the block ends."""
        try:
            yield
        finally:
            self.is_stopped = True


@dataclass
class Batch:
    """Holds files in the order of their items, with the additions and updates among them."""

    files: list[PendingFile] = field(default_factory=list)
    additions: list[Addition] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    size: int = 0  # bytes that wait for the encoder
    vectors: Vectors | None = None
    problem: LikenessError | None = None
    is_pause: bool = False  # the next file waits until all of this is stored

    def append(self, file: PendingFile) -> None:
        """Adds a file with its addition or update."""
        self.files.append(file)
        if file.addition:
            self.additions.append(file.addition)
        if file.update:
            self.updates.append(file.update)
        if change := file.addition or file.update:
            self.size += len(change.original or b"")

    def is_full(self, batch_size: int) -> bool:
        """Returns whether the batch has `batch_size` new pictures, or as many files or bytes as it may hold."""
        return len(self.additions) >= batch_size or self.size >= BATCH_BYTES or len(self.files) >= BATCH_FILES

    def ended(self, receipts: Iterator[FileReceipt]) -> list[FileReceipt]:
        """Returns the receipts, and forgets the bytes of all files: the batch is stored, or will not be."""
        told = list(receipts)
        self.additions, self.updates, self.vectors = [], [], None
        for file in self.files:
            file.let_go()
        return told

    def receipts(self, problem: LikenessError | None) -> Iterator[FileReceipt]:
        """Yields the receipts of a batch that was stored, or that a problem cut off."""
        if problem:
            return self._settled(partial(PendingFile.reject_for_now, reason=problem.message), everything=True)
        return self._settled(partial(PendingFile.settle, status="new"))

    def skipped(self, reason: Message) -> Iterator[FileReceipt]:
        """Yields the receipts of a batch that was not stored at all."""
        return self._settled(partial(PendingFile.settle, status="skipped", reason=reason), everything=True)

    def _settled(self, settle: Callable[[PendingFile], None], everything: bool = False) -> Iterator[FileReceipt]:
        """Settles the files without a receipt, with `everything` also copies and updates, and yields all receipts."""
        for file in self.files:
            if file.receipt is None or ((file.same_as or file.update) and everything):
                settle(file)
            assert file.receipt
            yield file.receipt
