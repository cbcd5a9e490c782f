"""One IVF_FLAT / COSINE collection per encoder, the same on Milvus Lite and on a server."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import numpy as np
from pymilvus import MilvusClient, MilvusException

from db.files.nprobe_choices import Choice
from db.milvus.aliases import behind, meant_by, name_with, nlist_in, write_to_all
from db.milvus.catalogue import drop_all, made_now
from db.milvus.clusters import EVERY_CLUSTER, LITE_SEGMENT_ROWS, automatic_nprobe
from db.milvus.filters import expression, has_field
from db.milvus.lease import Lease
from db.milvus.loaded import LoadedMilvusCollection
from db.milvus.milvus_errors import is_missing, is_not_loaded
from db.milvus.rebuild import ServerRebuild, is_unfinished, rebuild_in_place
from db.milvus.reproduce import script
from db.milvus.rows import as_row, check_vectors, checked_paths, hits_of, record_of, scores_of
from db.milvus.schema import (
    EMBEDDING,
    FIELDS,
    INDEX_TYPE,
    LOAD_TIMEOUT,
    METADATA,
    METRIC,
    PRIMARY_KEY,
    TIMEOUT,
    UPSERT_ROWS,
    WRITE_TIMEOUT,
    create,
    create_index,
    has_index,
    index_nlist,
    stored_rows,
    vector_dim,
)
from db.milvus.stable_page import followed_by, in_order, stable_page
from library.errors import IndexUnavailable
from library.images import ContentId
from library.ports import Explained, Hit, IndexStatus, Question, Vectors
from library.records import Record, id_of
from library.search.filters import Filter

if TYPE_CHECKING:
    from db.milvus.connection import Milvus

logger = logging.getLogger(__name__)

PING_TIMEOUT = 2.0
LITE_FLUSH_ROWS = 200  # beyond it, Lite's slow search of unflushed rows is felt
LITE_BULK_FLUSH_ROWS = 5000
LITE_BULK_FLUSH_SECONDS = 10.0  # apart at least: a flush of few rows makes a segment more for every search
SERVER_FLUSH_ROWS = 1000
RELOADS = 3
ROWS_IN_A_MESSAGE = 10_000
QUERY_TIMEOUT = 60.0  # Lite looks at the metadata of every row in Python

T = TypeVar("T")


class MilvusCollection:
    """The vectors of one encoder; searched only through `loaded()`."""

    def __init__(self, milvus: "Milvus", name: str, dim: int) -> None:
        self._milvus = milvus
        self._name = name
        self._dim = dim
        self.labels: dict[str, str] = {}  # of its encoder
        self._lease = Lease(self._load, self._release, milvus.release_after)
        self._opening = threading.Lock()
        self._is_open = False
        self._version: str | None = None
        self._nlist = milvus.nlist.smallest
        self._upkeep = threading.Lock()
        self._is_rebuilt_elsewhere = False
        self._upkeep_is_due = True  # what a killed process left is finished by the first run of the next one
        self._is_rebuilding = False
        self._rows: int | None = None
        self._rows_changed = True
        self._unflushed = 0
        self._flushed_at = time.monotonic()
        self._has_written = False
        self._empty_at: int | None = None  # the load under which an empty answer was found to be true
        self._searches = 0

    def upsert(self, records: Sequence[Record], vectors: Vectors) -> None:
        """Raises ValueError for vectors that are not finite or not of unit length: Lite would never load again."""
        check_vectors(vectors, self._dim)
        rows = [as_row(record, vector) for record, vector in zip(records, vectors, strict=True)]
        with self._ready() as client, self._milvus.writing:
            for start in range(0, len(rows), UPSERT_ROWS):
                self._write(client, rows[start : start + UPSERT_ROWS])
            self._unflushed += len(rows)
            self._has_written = self._rows_changed = self._upkeep_is_due = True
            self._empty_at = None
        if self._milvus.is_lite and self._unflushed >= LITE_BULK_FLUSH_ROWS and self._flushed_long_ago():
            self.flush()

    def update(self, records: Sequence[Record]) -> None:
        """Puts the records into the rows they have; the vectors stay."""
        with self.loaded() as index:
            vectors = index.vectors([record.img_path for record in records])
        present = [record for record in records if record.content_id in vectors]
        if present:
            self.upsert(present, np.stack([vectors[record.content_id] for record in present]))

    def optimize(self) -> None:
        if self._unflushed >= (LITE_FLUSH_ROWS if self._milvus.is_lite else SERVER_FLUSH_ROWS):
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
        self.flush()
        if self._milvus.is_lite:  # it indexes what was flushed in the background, and does not say when it is done
            with self.loaded() as index:
                rows = index.count()
                self._rebuild(rows, self._wanted_nlist(rows))

    def choose_nprobe(self, nprobe: int | None) -> None:
        if self._milvus.choices:
            self._do(self._look_at_index)
            choice = Choice(min(nprobe, self._nlist), self._nlist) if nprobe else None
            self._milvus.choices.keep(self._name, choice)

    def flush(self) -> None:
        with self._milvus.writing, self._milvus.without_searches():
            self._do(lambda client: client.flush(self._name, timeout=LOAD_TIMEOUT))
            self._unflushed = 0
            self._flushed_at = time.monotonic()

    @contextmanager
    def loaded(self) -> Iterator[LoadedMilvusCollection]:
        with self._lease.held() as generation:
            yield LoadedMilvusCollection(self, generation)

    def status(self, expected_rows: int | None = None) -> IndexStatus:
        problem = None
        try:
            self._look_around(expected_rows)
        except IndexUnavailable as error:
            problem = str(error)
        lease = self._lease.status()
        rebuilding = self._is_rebuilding or self._is_rebuilt_elsewhere
        choice = self._choice()
        return IndexStatus(
            connected=problem is None,
            problem=problem,
            backend=self._milvus.backend,
            version=self._version,
            collection=self._name,
            rows=self._rows,
            rows_are_current=not self._rows_changed,
            index_type=INDEX_TYPE,
            metric=METRIC,
            nlist=self._nlist,
            state="rebuilding" if rebuilding else lease.state,
            seconds_until_release=None if rebuilding else lease.seconds_until_release,
            loads=lease.loads,
            releases=lease.releases,
            searches=self._searches,
            nprobe=self._chosen_nprobe() or (None if self._rows is None else automatic_nprobe(self._rows, self._nlist)),
            nprobe_is_chosen=self._chosen_nprobe() is not None,
            outdated_choice=choice.nprobe if choice and choice.nlist != self._nlist else None,
        )

    @property
    def counted(self) -> int | None:
        """Its rows, where they were counted since the last change."""
        return None if self._rows_changed else self._rows

    def drop(self) -> None:
        """Without opening it, which one of other dimensions would not allow."""
        self._lease.release_now()
        with self._milvus.explained(), self._milvus.writing, self._milvus.without_searches():
            drop_all(self._milvus.client(), self._name)
            self._is_open = self._has_written = False
            self._unflushed, self._rows_changed, self._empty_at = 0, True, None

    def expect_other_count(self) -> None:
        """Rows were deleted elsewhere: the next status counts again."""
        self._rows_changed = True

    def close(self) -> None:
        """Flushes and releases; a Milvus that is away needs neither."""
        try:
            if self._unflushed and self._milvus.is_lite:
                self.flush()
            self._lease.release_now()
        except IndexUnavailable as error:
            logger.warning("Not closed in order: %s", error)

    def search(
        self,
        generation: int,
        vectors: Vectors,
        limit: int,
        nprobe: int | None,
        exact: bool,
        where: Filter | None = None,
        offset: int = 0,
    ) -> list[list[Hit]]:
        self._searches += len(vectors)
        probes = self._probes(generation, nprobe, exact, where)
        search = partial(self._search, generation, vectors, where)

        def ask(depth: int) -> list[list[Hit]]:
            found = search(depth, probes)
            if nprobe or probes == EVERY_CLUSTER or all(len(hits) == depth for hits in found):
                return found
            pairs = zip(found, search(depth, EVERY_CLUSTER), strict=True)
            return [followed_by(hits, every, depth) for hits, every in pairs]

        return stable_page(ask, offset, limit, where)

    def matching(self, generation: int, where: Filter | None) -> list[Record]:
        wanted = self._expression(where)
        records = self._records(generation, wanted)
        return [record for record in records if where.matches(record)] if where else records

    def some(self, generation: int, limit: int, having: str | None) -> list[Record]:
        wanted = has_field(having, self._milvus.is_lite) if having else ""
        return self._ask(generation, lambda client: self._query(client, wanted, limit=limit))

    def nearest(self, generation: int, vectors: Vectors, limit: int) -> list[dict[ContentId, float]]:
        probes = self._probes(generation, None, False)
        # With the key alone: Lite adds whole vectors where no field is named.
        found = self._ask(generation, lambda client: self._found(client, vectors, limit, probes, [PRIMARY_KEY]))
        return [{id_of(path): float(score) for path, score in scores_of(each)} for each in found]

    def explain(self, generation: int, asked: Question) -> Explained:
        probes = self._probes(generation, asked.nprobe, asked.exact, asked.where)
        looked_into = probes if probes < self._nlist else None
        text = script(self._name, asked, probes, self._milvus.is_lite, self._expression(asked.where))
        return Explained(self._name, self._rows, self._nlist, looked_into, text)

    def rows_of(self, generation: int, img_paths: Sequence[str], fields: Sequence[str]) -> list[dict[str, Any]]:
        """The rows of those that have one, each with its key and the fields named."""
        ids = checked_paths(img_paths)
        if not ids:
            return []
        return self._ask(
            generation,
            lambda client: list(client.get(self._name, ids=ids, output_fields=[PRIMARY_KEY, *fields], timeout=TIMEOUT)),
        )

    def count(self, generation: int) -> int:
        def ask(client: MilvusClient) -> int:
            [row] = client.query(self._name, filter="", output_fields=["count(*)"], timeout=TIMEOUT)
            return int(row["count(*)"])

        self._rows_changed = False
        self._rows = self._ask(generation, ask)
        return self._rows

    def _search(
        self, generation: int, vectors: Vectors, where: Filter | None, depth: int, probes: int
    ) -> list[list[Hit]]:
        def ask(client: MilvusClient) -> list[list[Hit]]:
            found = self._found(client, vectors, depth, probes, [*FIELDS, METADATA], where)
            return [in_order(hits_of(answer)) for answer in found]

        answers = self._ask(generation, ask)
        if any(answers) or not self._doubts_empty():
            return answers
        if where and any(self._search(generation, vectors, None, 1, EVERY_CLUSTER)):
            return self._ask(generation, ask)  # the collection is there: what is empty now is true
        return self._ask_again(ask)

    def _records(self, generation: int, wanted: str) -> list[Record]:
        # A server's answer has to fit into one message; Lite has no such bound, and every query of it is slow.
        in_parts = not self._milvus.is_lite and self.count(generation) > ROWS_IN_A_MESSAGE
        parts = list("0123456789abcdef") if in_parts else [""]
        found: list[Record] = []
        for part in parts:
            start = f'{PRIMARY_KEY} >= "images/{part}"' + (f' and {PRIMARY_KEY} < "images/{part}g"' if part else "")
            both = f"({start}) and ({wanted})" if wanted else start
            found += self._ask(generation, partial(self._query, wanted=both))
        return found

    def _query(self, client: MilvusClient, wanted: str, limit: int | None = None) -> list[Record]:
        bound = {} if limit is None else {"limit": limit}
        fields = [PRIMARY_KEY, *FIELDS, METADATA]
        rows = client.query(self._name, filter=wanted, output_fields=fields, timeout=QUERY_TIMEOUT, **bound)
        return [record_of(row[PRIMARY_KEY], row) for row in rows]

    def _found(
        self,
        client: MilvusClient,
        vectors: Vectors,
        limit: int,
        probes: int,
        fields: list[str],
        where: Filter | None = None,
    ) -> Any:
        return client.search(
            self._name,
            data=list(vectors),
            anns_field=EMBEDDING,
            limit=limit,
            filter=self._expression(where),
            search_params={"metric_type": METRIC, "params": {"nprobe": probes}},
            output_fields=fields,
            timeout=QUERY_TIMEOUT if where else TIMEOUT,
        )

    def _probes(self, generation: int, nprobe: int | None, exact: bool, where: Filter | None = None) -> int:
        if exact or (where and nprobe is None):  # what a filter leaves of a few clusters are not the best that match
            return EVERY_CLUSTER
        return nprobe or self._automatic_nprobe(generation)

    def _expression(self, where: Filter | None) -> str:
        return expression(where, self._milvus.is_lite) if where else ""

    def _automatic_nprobe(self, generation: int) -> int:
        if chosen := self._chosen_nprobe():
            return chosen
        return automatic_nprobe(self.count(generation) if self._rows is None else self._rows, self._nlist)

    def _chosen_nprobe(self) -> int | None:
        choice = self._choice()
        return choice.nprobe if choice and choice.nlist == self._nlist else None

    def _choice(self) -> Choice | None:
        return self._milvus.choices.find(self._name) if self._milvus.choices else None

    def _keep_up(self) -> None:
        """Gives the index more clusters where the rows have outgrown it, and finishes what was begun."""
        with self.loaded() as index:
            rows = index.count()
            wanted = self._wanted_nlist(rows)
            self._do(self._look_at_index)
            outgrown = self._milvus.nlist.outgrown(self._nlist, self._indexed_together(rows))
            with self._ready() as client:
                begun = not self._milvus.is_lite and is_unfinished(client, self._name)
            if outgrown or begun:
                self._rebuild(rows, wanted)

    def _flushed_long_ago(self) -> bool:
        return time.monotonic() - self._flushed_at >= LITE_BULK_FLUSH_SECONDS

    def _rebuild(self, rows: int, wanted: int) -> None:
        started, before = time.monotonic(), self._nlist
        logger.info("collection %s: rebuilding the index, %d rows, nlist %d so far", self._name, rows, before)
        self._is_rebuilding = True
        try:
            if self._milvus.is_lite:
                self._rebuild_in_place(wanted)
            else:
                with self._ready() as client:
                    ServerRebuild(client, self._name, self._dim, wanted).run()
            self._do(self._look_at_index)
        finally:
            self._is_rebuilding = False
            self._empty_at = None
        seconds = time.monotonic() - started
        logger.info("collection %s: nlist %d -> %d in %.1f s", self._name, before, self._nlist, seconds)

    def _rebuild_in_place(self, wanted: int) -> None:
        with self._milvus.writing, self._milvus.without_searches(), self._ready() as client:
            try:
                rebuild_in_place(client, self._name, wanted)
            except BaseException:
                self._is_open = False  # whoever comes next makes the index that is missing
                raise
            self._unflushed = 0

    def _wanted_nlist(self, rows: int) -> int:
        return self._milvus.nlist.wanted(self._indexed_together(rows))

    def _indexed_together(self, rows: int) -> int:
        return min(rows, LITE_SEGMENT_ROWS) if self._milvus.is_lite else rows

    def _write(self, client: MilvusClient, rows: list[dict[str, Any]]) -> None:
        def write(name: str) -> None:
            client.upsert(name, rows, timeout=WRITE_TIMEOUT)

        if self._milvus.is_lite:
            write(self._name)
        else:
            write_to_all(client, self._name, write)

    def _ask(self, generation: int, ask: Callable[[MilvusClient], T]) -> T:
        """Heals the release of a collection by another process: loads again and asks again."""
        for retries_left in reversed(range(RELOADS + 1)):
            try:
                with self._ready() as client, self._milvus.searching.passing():
                    return ask(client)
            except IndexUnavailable as error:
                if not retries_left or not (is_not_loaded(error.__cause__) or is_missing(error.__cause__)):
                    raise
            generation = self._lease.reload(generation)
        raise AssertionError("the last try returns or raises")

    def _doubts_empty(self) -> bool:
        """A server may answer "nothing" while another process releases or loads the collection."""
        if self._milvus.is_lite or self._empty_at == self._lease.generation:
            return False
        return self._has_written or self._do(lambda client: stored_rows(client, self._name)) > 0

    def _ask_again(self, ask: Callable[[MilvusClient], list[list[Hit]]]) -> list[list[Hit]]:
        generation = self._lease.reload(self._lease.generation)
        answers = self._ask(generation, ask)
        if not any(answers):
            self._empty_at = generation
        return answers

    def _do(self, work: Callable[[MilvusClient], T]) -> T:
        """Again, where the collection had no name for a moment: another process was putting it behind an alias."""
        for retries_left in reversed(range(RELOADS + 1)):
            try:
                with self._ready() as client:
                    return work(client)
            except IndexUnavailable as error:
                if not retries_left or not is_missing(error.__cause__):
                    raise
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def _ready(self) -> Iterator[MilvusClient]:
        with self._milvus.explained():
            client = self._milvus.client()
            with self._opening:
                if not self._is_open:
                    self._open(client)
                    self._is_open = True
            try:
                yield client
            except (MilvusException, grpc.RpcError) as error:
                # After a loss the collection may be another one, or none: it is looked at again.
                self._is_open = is_not_loaded(error)
                raise

    def _open(self, client: MilvusClient) -> None:
        if not client.has_collection(self._name, timeout=TIMEOUT):
            self._create(client)
        if not has_index(client, self._name):
            meant = self._name if self._milvus.is_lite else meant_by(client, self._name)
            wanted = nlist_in(meant) or self._wanted_nlist(stored_rows(client, self._name))
            create_index(client, self._name, wanted)
        dim = vector_dim(client, self._name)
        if dim != self._dim:
            raise IndexUnavailable(
                f"The collection {self._name} holds vectors of {dim} numbers, the model makes {self._dim}. "
                "It was made by something else: drop it, or set another MILVUS_DB."
            )
        self._look_at_index(client)
        self._version = client.get_server_version(timeout=TIMEOUT).removeprefix("milvus_lite-").removeprefix("v")

    def _create(self, client: MilvusClient) -> None:
        if self._milvus.is_lite:
            create(client, self._name, self._dim, made_now(self.labels))
            return
        if not behind(client, self._name):
            create(client, name_with(self._name, self._milvus.nlist.smallest), self._dim, made_now(self.labels))
        meant_by(client, self._name)

    def _look_at_index(self, client: MilvusClient) -> None:
        """Another process may have rebuilt it."""
        self._nlist = index_nlist(client, self._name)

    def _load(self) -> None:
        with self._milvus.searching.passing():
            self._do(lambda client: client.load_collection(self._name, timeout=LOAD_TIMEOUT))
        logger.info("collection %s: loaded", self._name)

    def _release(self) -> None:
        with self._milvus.searching.passing():
            self._do(lambda client: client.release_collection(self._name, timeout=TIMEOUT))
        logger.info("collection %s: released", self._name)

    def _look_around(self, expected_rows: int | None) -> None:
        with self._ready() as client:
            if not self._milvus.is_lite:
                client.get_server_version(timeout=PING_TIMEOUT)
                self._look_at_index(client)
                self._is_rebuilt_elsewhere = is_unfinished(client, self._name)
        if expected_rows not in (None, self._rows):  # another process may have written
            self._rows_changed = True
        if self._rows_changed and self._lease.status().state == "loaded" and not self._is_rebuilding:
            with self._lease.held() as generation:
                self.count(generation)
