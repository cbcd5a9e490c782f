"""Writes to the IVF_FLAT / COSINE collection of one encoder, keeps its index in order, and tells its status."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
from pymilvus import MilvusClient

from db.files.nprobe_choices import Choice
from db.milvus.aliases import meant_by
from db.milvus.catalogue import drop_all
from db.milvus.handle import CollectionHandle
from db.milvus.loaded import LoadedMilvusCollection
from db.milvus.measured_nprobe import GROWTH, measured_nprobe
from db.milvus.rebuild import rebuild_in_place
from db.milvus.rows import MilvusRow, as_row, check_vectors
from db.milvus.schema import (
    INDEX_TYPE,
    LOAD_TIMEOUT,
    METRIC,
    UPSERT_ROWS,
    has_typed_fields,
    is_index_right,
    stored_rows,
    upsert,
)
from library.errors import IndexUnavailable, StoreUnavailable
from library.ports import IndexFault, IndexStatus, Vectors
from library.records import Record
from library.running.together import Together

logger = logging.getLogger(__name__)


class MilvusCollection:
    """Keeps the vectors of one encoder, which are searched only through `loaded()`."""

    def __init__(self, handle: CollectionHandle, together: Together) -> None:
        self.handle = handle
        self._together = together
        self._backend = handle.backend
        self._locks = handle.connection.locks
        self._name = handle.name
        self._upkeep = threading.Lock()
        self._upkeep_is_due = True  # what a killed process left is finished by the first run of the next one
        self._is_rebuilding = False
        self._is_rebuilt_elsewhere = False
        self._unflushed = 0
        self._flushed_at = time.monotonic()

    def upsert(self, records: Sequence[Record], vectors: Vectors) -> None:
        """Writes the rows, replacing those that are there.

        Raises ValueError for vectors that are not finite or not of unit length: Lite would never load again.
        """
        check_vectors(vectors, self.handle.dim)
        rows = [as_row(record, vector) for record, vector in zip(records, vectors, strict=True)]
        with self.handle.ready() as client, self._locks.writing:
            for start in range(0, len(rows), UPSERT_ROWS):
                self._write(client, rows[start : start + UPSERT_ROWS])
            self._unflushed += len(rows)
            self._upkeep_is_due = self.handle.has_written = True
            self.handle.rows_are_current, self.handle.empty_at = False, None
        if self._backend.flushes_in_bulk(self._unflushed, time.monotonic() - self._flushed_at):
            self.flush()

    def update(self, records: Sequence[Record]) -> None:
        """Puts the records into the rows they have; the vectors stay."""
        with self.loaded() as index:
            vectors = index.vectors([record.img_path for record in records])
        present = [record for record in records if record.content_id in vectors]
        if present:
            self.upsert(present, np.stack([vectors[record.content_id] for record in present]))

    def optimize(self) -> None:
        """Flushes what is worth flushing, and rebuilds an index that the rows have outgrown."""
        if self._unflushed >= self._backend.flush_after_run:
            self.flush()
        if self._upkeep_is_due and self._upkeep.acquire(blocking=False):
            try:
                self._keep_up()
                self._upkeep_is_due = False
            except IndexUnavailable as error:  # searches go on as they did
                logger.warning("collection %s: its index is looked after by the next run: %s", self._name, error)
            finally:
                self._upkeep.release()

    def index_all(self) -> None:
        """Returns once every row is in the index."""
        self.flush()
        if self._backend.indexes_late:  # in the background, without saying when it is done
            with self.loaded() as index:
                self._rebuild(index.count())

    def faults(self) -> list[IndexFault]:
        """Returns what is wrong with the index itself."""
        with self.handle.ready() as client:
            found: list[IndexFault] = [] if is_index_right(client, self._name) else ["index_wrong"]
            if self._backend.has_unfinished_rebuild(client, self._name):
                found.append("rebuild_unfinished")
            if not has_typed_fields(client, self._name):
                found.append("fields_untyped")
        return found

    def repair(self) -> None:
        """Rebuilds an index of another kind, and finishes a rebuild that was interrupted."""
        with self.loaded(), self._backend.flushing(self._locks), self.handle.ready() as client:
            if not is_index_right(client, self._name):
                nlist = self._backend.intended_nlist(client, self._name)
                wanted = nlist or self.handle.wanted_nlist(stored_rows(client, self._name))
                rebuild_in_place(client, meant_by(client, self._name), wanted)
                self.handle.reopen()
        self._upkeep_is_due = True
        self.optimize()

    def choose_nprobe(self, nprobe: int | None) -> None:
        """Stores how many clusters searches look into from now on; None takes that back."""
        if self.handle.choices:
            nlist = self.handle.read_nlist()
            self.handle.choices.keep(self._name, Choice(min(nprobe, nlist), nlist) if nprobe else None)

    def flush(self) -> None:
        """Asks Milvus to write to disk what it holds in memory, which makes it fast to search."""
        with self._backend.flushing(self._locks):
            self.handle.do(lambda client: client.flush(self._name, timeout=LOAD_TIMEOUT))
            self._unflushed = 0
            self._flushed_at = time.monotonic()

    @contextmanager
    def loaded(self) -> Iterator[LoadedMilvusCollection]:
        """Yields the loaded collection: loads it for the first holder, releases it after the last."""
        with self.handle.lease.held() as generation:
            yield LoadedMilvusCollection(self.handle, generation, self._together)

    def status(self, expected_rows: int | None = None) -> IndexStatus:
        """Returns the status of the collection. Never raises, and loads nothing."""
        problem = None
        try:
            self._look_around(expected_rows)
        except IndexUnavailable as error:
            problem = error.message
        handle, lease = self.handle, self.handle.lease.status()
        rebuilding = self._is_rebuilding or self._is_rebuilt_elsewhere
        choice, chosen = handle.choice(), handle.chosen_nprobe()
        return IndexStatus(
            connected=problem is None,
            problem=problem,
            backend=self._backend.name,
            version=handle.version,
            collection=self._name,
            rows=handle.rows,
            rows_are_current=handle.rows_are_current,
            index_type=INDEX_TYPE,
            metric=METRIC,
            nlist=handle.nlist,
            state="rebuilding" if rebuilding else lease.state,
            seconds_until_release=None if rebuilding else lease.seconds_until_release,
            loads=lease.loads,
            releases=lease.releases,
            searches=handle.searches,
            nprobe=chosen or (None if handle.rows is None else handle.automatic_nprobe(handle.rows)),
            nprobe_is_chosen=chosen is not None,
            flushed_rows=handle.flushed_rows,
            outdated_choice=choice.nprobe if choice and choice.nlist != handle.nlist else None,
            accelerated=self._backend.accelerated,
        )

    @property
    def counted(self) -> int | None:
        """Returns how many rows there are, where they were counted since the last change."""
        return self.handle.rows if self.handle.rows_are_current else None

    def drop(self) -> None:
        """Drops the collection without opening it, which one of other dimensions would not allow."""
        self.handle.lease.release_now()
        connection = self.handle.connection
        with connection.explained(), self._backend.flushing(self._locks):
            drop_all(connection.client(), self._name)
            self.handle.forget()
            self._unflushed = 0

    def expect_other_count(self) -> None:
        """Makes the next status count the rows again, since some were deleted elsewhere."""
        self.handle.rows_are_current = False

    def close(self) -> None:
        """Flushes and releases; a Milvus that is away needs neither."""
        try:
            if self._unflushed:
                self.flush()
            self.handle.lease.release_now()
        except IndexUnavailable as error:
            logger.warning("Not closed in order: %s", error)

    def _write(self, client: MilvusClient, rows: list[MilvusRow]) -> None:
        self._backend.write(client, self._name, partial(upsert, client, rows=rows))

    def _keep_up(self) -> None:
        """Rebuilds the index where the rows have outgrown it, and finishes a rebuild that was begun."""
        with self.loaded() as index:
            rows = index.count()
            outgrown = self.handle.outgrows(self.handle.read_nlist(), rows)
            with self.handle.ready() as client:
                begun = self._backend.has_unfinished_rebuild(client, self._name)
                is_typed = has_typed_fields(client, self._name)
            if not is_typed:
                self._move(rows)
            elif outgrown or begun:
                self._rebuild(rows)
        self._measure(rows)

    def _measure(self, rows: int) -> None:
        """Finds out how many clusters searches have to look into, where that is not known for so many rows."""
        handle = self.handle
        if handle.measured is None or rows <= handle.nlist_rule.exhaustive_rows:
            return
        known = handle.measured.find(self._name)
        if known and known.nlist == handle.nlist and rows < GROWTH * (known.rows or 0):
            return
        with self.loaded() as index:
            nprobe = measured_nprobe(index, rows, handle.nlist)
        try:
            handle.measured.keep(self._name, Choice(nprobe, handle.nlist, rows))
        except StoreUnavailable as error:
            logger.warning("collection %s: %s", self._name, error)

    def _rebuild(self, rows: int) -> None:
        with self._rebuilding(f"rebuilding the index, {rows} rows"), self._backend.rebuilding(self._locks):
            self._rebuild_once(self.handle.wanted_nlist(rows))

    def _move(self, rows: int) -> None:
        """Moves the rows of a collection of an earlier version to one whose fields have types, without encoding."""
        choice = self.handle.choice()
        with self._rebuilding(f"giving its fields types, {rows} rows"), self.handle.ready() as client:
            nlist = max(self.handle.wanted_nlist(rows), self.handle.nlist)
            self._backend.move(client, self._name, self.handle.dim, nlist, self._locks)
        if choice and choice.nlist == nlist:
            self.choose_nprobe(choice.nprobe)

    @contextmanager
    def _rebuilding(self, what: str) -> Iterator[None]:
        started, before = time.monotonic(), self.handle.nlist
        logger.info("collection %s: %s, nlist %d so far", self._name, what, before)
        self._is_rebuilding = True
        try:
            yield
            after = self.handle.read_nlist()
        finally:
            self._is_rebuilding = False
            self.handle.empty_at = None
        seconds = time.monotonic() - started
        logger.info("collection %s: nlist %d -> %d in %.1f s", self._name, before, after, seconds)

    def _rebuild_once(self, wanted: int) -> None:
        try:
            with self.handle.ready() as client:
                is_flushed = self._backend.rebuild(client, self._name, self.handle.dim, wanted)
        except BaseException:
            self.handle.reopen()  # whoever comes next makes the index that may be missing
            raise
        if is_flushed:
            self._unflushed = 0

    def _look_around(self, expected_rows: int | None) -> None:
        with self.handle.ready() as client:
            others = self._backend.look_at_others(client, self._name)
        if others:
            self.handle.nlist, self._is_rebuilt_elsewhere = others
        handle = self.handle
        if expected_rows not in (None, handle.rows):  # another process may have written
            handle.rows_are_current = False
        if handle.rows_are_current or self._is_rebuilding:
            return
        if self._backend.counts_unloaded:
            handle.count_unloaded()
        elif handle.lease.status().state == "loaded":
            with handle.lease.held() as generation:
                handle.count(generation)
