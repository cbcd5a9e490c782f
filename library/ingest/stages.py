"""Prepares the batches of an import: each stage works ahead of the next on threads of its own."""

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace

from library.decoders.direct import Decoder
from library.errors import RejectedImage
from library.ingest.admission import admitted
from library.ingest.batch import BATCH_BYTES, Batch, PendingFile, RunState
from library.ingest.destinations import Addition, Destination
from library.ingest.items import Item
from library.ingest.kept_metadata import described
from library.ingest.lookup import Lookup, original_to_store
from library.ingest.prefetch import prefetch, prefetch_map
from library.ingest.record_limits import check_record
from library.messages import Message, both, message
from library.records import Record
from library.running.budget import Account, budget
from library.running.work import Interrupted, check_stop, current, worker_pool

BATCHES_AHEAD = 1
READERS = 8  # they wait for disks and networks
READ_AHEAD = 16
LOOKED_UP_AT_ONCE = 32
DECODED_AHEAD = 16
ENCODED_AT_ONCE = 2
GRACE = 2.0  # seconds in which what is being decoded may still be finished after Stop


class Stages:
    """Reads, looks up, decodes and encodes files, and hands them out as batches."""

    def __init__(
        self,
        destination: Destination,
        decoder: Decoder,
        state: RunState,
        batch_size: int,
        in_place: bool,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._destination = destination
        self._decoder = decoder
        self._state = state
        self._batch_size = batch_size
        self._in_place = in_place
        self._lookup = Lookup(destination, state, in_place)
        self._account = Account(budget())
        self._work = replace(current(), should_stop=should_stop)
        self._readers = worker_pool(READERS, "read", self._work)
        self._decoders = worker_pool(os.cpu_count(), "decode", replace(self._work, should_stop=self._is_late))
        self._encoders = worker_pool(ENCODED_AT_ONCE, "encode", self._work)

    def close(self) -> None:
        """Waits for what is under way and ends the threads."""
        self._readers.shutdown()
        self._decoders.shutdown()
        self._encoders.shutdown()
        self._account.close()

    def batches(self, items: Iterator[Item]) -> Generator[Batch, None, None]:
        """Yields the items as encoded batches, in order, made ahead of whoever consumes them."""
        gathered = prefetch(self._gathered(items), BATCHES_AHEAD, self._work)
        return prefetch(self._encoded(gathered), BATCHES_AHEAD, self._work)

    def _encoded(self, batches: Iterable[Batch]) -> Generator[Batch, None, None]:
        """Encodes two batches at once: a core that is done with its part of one begins the next."""
        yield from prefetch_map(self._encode, batches, self._encoders, ENCODED_AT_ONCE, _is_pause)

    def _encode(self, batch: Batch) -> Batch:
        if batch.additions and not batch.problem and not self._state.is_stopped:
            batch.vectors = self._destination.encode([addition.image for addition in batch.additions])
        return batch

    def _gathered(self, items: Iterator[Item]) -> Generator[Batch, None, None]:
        batch = Batch()
        for file in prefetch_map(self._decode, self._looked_up(items), self._decoders, DECODED_AHEAD, _is_pause):
            if not file.is_pause:
                batch.append(file)
            batch.is_pause = file.is_pause
            if batch.is_full(self._batch_size) or batch.is_pause:
                yield self._marked(batch)
                batch = Batch()
        if batch.files:
            yield self._marked(batch)

    def _marked(self, batch: Batch) -> Batch:
        batch.problem = self._state.problem
        return batch

    def _looked_up(self, items: Iterator[Item]) -> Iterator[PendingFile]:
        window: list[PendingFile] = []
        files = admitted(self._lookup.listed(items), self._account, self._gives_up, self._reason)
        for file in prefetch_map(self._lookup.read, files, self._readers, READ_AHEAD, _is_pause):
            window.append(file)
            is_full = len(window) == LOOKED_UP_AT_ONCE or sum(len(file.data) for file in window) >= BATCH_BYTES
            if is_full or file.is_pause:
                yield from self._lookup.look_up(window)
                window = []
        yield from self._lookup.look_up(window)

    def _is_late(self) -> bool:
        """Returns whether it has been a while since the run was to stop: the batch in hand has had its time."""
        if self._state.stop_seen is None:
            self._state.stop_seen = time.monotonic() if self._work.should_stop() else None
            return False
        return time.monotonic() - self._state.stop_seen > GRACE

    def _gives_up(self) -> bool:
        return self._work.should_stop() or self._state.is_stopped or self._state.problem is not None

    def _reason(self) -> Message:
        problem = self._state.problem
        return message("not_tried", problem=problem.message) if problem else message("stopped")

    def _decode(self, file: PendingFile) -> PendingFile:
        if not (file.is_pause or file.receipt or self._state.problem or self._state.is_stopped):
            try:
                check_stop()
                file.addition = _addition(file, self._in_place, self._destination.working_side, self._decoder)
            except RejectedImage as error:
                file.settle("rejected", error.message)
            except Interrupted:
                file.settle("skipped", message("stopped"))
        return file


def _is_pause(each: PendingFile | Batch) -> bool:
    return each.is_pause


def _addition(file: PendingFile, in_place: bool, working_side: int, decoder: Decoder) -> Addition:
    """Raises RejectedImage."""
    assert file.id
    if file.known and file.record:
        picture = decoder.decode(file.data, working_side)
        file.note = both(file.note, picture.note)
        check_record(file.record)
        original = original_to_store(file, file.known.record)
        return Addition(file.record, picture.image, original, b"", is_stored=True)
    picture, small = decoder.with_thumbnail(file.data, working_side)
    file.note = both(file.note, picture.note)
    original_at = file.item.original_at if in_place else ""
    record = Record.of(
        file.id,
        picture,
        size=len(file.data),
        name=file.item.name,
        added=file.added,
        source=file.item.source,
        metadata={},
        original_at=original_at,
    )
    file.explicit = file.item.metadata
    record = described(file, record)
    check_record(record)
    return Addition(record, picture.image, None if original_at else file.data, small, is_stored=False)
