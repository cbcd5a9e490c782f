"""One IVF_FLAT / COSINE collection per encoder, the same on Milvus Lite and on a server."""

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import numpy as np
from pymilvus import DataType, MilvusClient, MilvusException

from db.lease import Lease
from library.errors import IndexUnavailable, InvalidContentId
from library.images import ContentId
from library.ports import Hit, IndexStatus, Vector, Vectors
from library.records import Record, id_of

if TYPE_CHECKING:
    from db.milvus import Milvus

logger = logging.getLogger(__name__)

PRIMARY_KEY = "img_path"
EMBEDDING = "img_emb"
METADATA = "meta"  # one nested value, so that no column of a user's table can overwrite a field of ours
FIELDS = ["name", "format", "width", "height", "bytes", "added", "source"]
INDEX_TYPE = "IVF_FLAT"
METRIC = "COSINE"
MIN_NPROBE = 16
EXHAUSTIVE_ROWS = 20_000  # comparing with as many takes a few milliseconds
TIMEOUT = 10.0  # seconds
PING_TIMEOUT = 2.0
WRITE_TIMEOUT = 60.0
LOAD_TIMEOUT = 120.0
UPSERT_ROWS = 1000  # a message holds 64 MiB
LITE_FLUSH_ROWS = 200  # beyond it, Lite's slow search of unflushed rows is felt
LITE_BULK_FLUSH_ROWS = 5000
SERVER_FLUSH_ROWS = 1000
RELOADS = 3

T = TypeVar("T")


class MilvusCollection:
    """The vectors of one encoder; searched only through `loaded()`."""

    def __init__(self, milvus: "Milvus", name: str, dim: int) -> None:
        self._milvus = milvus
        self._name = name
        self._dim = dim
        self._lease = Lease(self._load, self._release, milvus.release_after)
        self._opening = threading.Lock()
        self._is_open = False
        self._version: str | None = None
        self._nlist = milvus.nlist
        self._rows: int | None = None
        self._rows_changed = True
        self._unflushed = 0
        self._has_written = False
        self._empty_at: int | None = None  # the load under which an empty answer was found to be true
        self._searches = 0

    def upsert(self, records: Sequence[Record], vectors: Vectors) -> None:
        """Raises ValueError for vectors that are not finite or not of unit length: Lite would never load again."""
        _check_vectors(vectors, self._dim)
        rows = [_row(record, vector) for record, vector in zip(records, vectors, strict=True)]
        with self._ready() as client, self._milvus.writing:
            for start in range(0, len(rows), UPSERT_ROWS):
                client.upsert(self._name, rows[start : start + UPSERT_ROWS], timeout=WRITE_TIMEOUT)
            self._unflushed += len(rows)
            self._has_written = self._rows_changed = True
            self._empty_at = None
        if self._milvus.is_lite and self._unflushed >= LITE_BULK_FLUSH_ROWS:
            self.flush()

    def update(self, records: Sequence[Record]) -> None:
        """Puts the records into the rows they have; the vectors stay."""
        with self.loaded() as index:
            vectors = index.vectors([record.img_path for record in records])
        present = [record for record in records if record.content_id in vectors]
        if present:
            self.upsert(present, np.stack([vectors[record.content_id] for record in present]))

    def settle(self) -> None:
        if self._unflushed >= (LITE_FLUSH_ROWS if self._milvus.is_lite else SERVER_FLUSH_ROWS):
            self.flush()

    def flush(self) -> None:
        with self._ready() as client, self._milvus.writing, self._milvus.without_searches():
            client.flush(self._name, timeout=LOAD_TIMEOUT)
            self._unflushed = 0

    @contextmanager
    def loaded(self) -> Iterator["LoadedMilvusCollection"]:
        with self._lease.held() as generation:
            yield LoadedMilvusCollection(self, generation)

    def status(self, expected_rows: int | None = None) -> IndexStatus:
        problem = None
        try:
            self._look_around(expected_rows)
        except IndexUnavailable as error:
            problem = str(error)
        lease = self._lease.status()
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
            state=lease.state,
            seconds_until_release=lease.seconds_until_release,
            loads=lease.loads,
            releases=lease.releases,
            searches=self._searches,
        )

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

    def search(self, generation: int, vector: Vector, limit: int, nprobe: int | None, exact: bool) -> list[Hit]:
        self._searches += 1
        probes = self._nlist if exact else min(nprobe or self._auto_nprobe(generation), self._nlist)

        def ask(client: MilvusClient) -> list[Hit]:
            [found] = client.search(
                self._name,
                data=[vector],
                anns_field=EMBEDDING,
                limit=limit,
                search_params={"metric_type": METRIC, "params": {"nprobe": probes}},
                output_fields=[*FIELDS, METADATA],
                timeout=TIMEOUT,
            )
            # The key of a hit is called img_path on Lite and id on a server; `ids` is the same on both.
            entries = zip(found.ids, found.distances, found, strict=True)
            return [Hit(_record(path, hit["entity"]), float(score)) for path, score, hit in entries]

        hits = self._ask(generation, ask)
        return hits if hits or not self._doubts_empty() else self._ask_again(ask)

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

    def _auto_nprobe(self, generation: int) -> int:
        """Every cluster while that costs nothing: a few probes of a small collection see a few rows."""
        rows = self.count(generation) if self._rows is None else self._rows
        return self._nlist if rows <= EXHAUSTIVE_ROWS else max(MIN_NPROBE, self._nlist // 8)

    def _ask(self, generation: int, ask: Callable[[MilvusClient], T]) -> T:
        """Heals the release of a collection by another process: loads again and asks again."""
        for retries_left in reversed(range(RELOADS + 1)):
            try:
                with self._ready() as client, self._milvus.searching.passing():
                    return ask(client)
            except IndexUnavailable as error:
                if not retries_left or not _says_not_loaded(error.__cause__):
                    raise
            generation = self._lease.reload(generation)
        raise AssertionError("the last try returns or raises")

    def _doubts_empty(self) -> bool:
        """A server may answer "nothing" while another process releases or loads the collection."""
        if self._milvus.is_lite or self._empty_at == self._lease.generation:
            return False
        with self._ready() as client:
            stored = client.get_collection_stats(self._name, timeout=TIMEOUT)["row_count"]
            return self._has_written or int(stored) > 0

    def _ask_again(self, ask: Callable[[MilvusClient], list[Hit]]) -> list[Hit]:
        generation = self._lease.reload(self._lease.generation)
        hits = self._ask(generation, ask)
        if not hits:
            self._empty_at = generation
        return hits

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
                self._is_open = _says_not_loaded(error)
                raise

    def _open(self, client: MilvusClient) -> None:
        if not client.has_collection(self._name, timeout=TIMEOUT):
            self._create(client)
        if EMBEDDING not in client.list_indexes(self._name, timeout=TIMEOUT):
            self._create_index(client)
        dim = vector_dim(client, self._name)
        if dim != self._dim:
            raise IndexUnavailable(
                f"The collection {self._name} holds vectors of {dim} numbers, the model makes {self._dim}. "
                "It was made by something else: drop it, or set another MILVUS_DB."
            )
        index = client.describe_index(self._name, EMBEDDING, timeout=TIMEOUT)
        self._nlist = int((index.get("params") or index)["nlist"])
        self._version = client.get_server_version(timeout=TIMEOUT).removeprefix("milvus_lite-").removeprefix("v")

    def _create(self, client: MilvusClient) -> None:
        schema = client.create_schema(auto_id=False, enable_dynamic_field=True)
        schema.add_field(PRIMARY_KEY, DataType.VARCHAR, is_primary=True, max_length=128)
        schema.add_field(EMBEDDING, DataType.FLOAT_VECTOR, dim=self._dim)
        # Without its index, which would make Milvus load the collection at once.
        client.create_collection(self._name, schema=schema, consistency_level="Session", timeout=LOAD_TIMEOUT)

    def _create_index(self, client: MilvusClient) -> None:
        nlist = self._milvus.nlist
        index = client.prepare_index_params()
        # pymilvus flattens `params`; Lite reads nlist only from a nested one, a server only from the flat one.
        nested = {"nlist": nlist, "params": {"nlist": nlist}}
        index.add_index(EMBEDDING, index_type=INDEX_TYPE, metric_type=METRIC, index_name=EMBEDDING, params=nested)
        client.create_index(self._name, index, timeout=LOAD_TIMEOUT)

    def _load(self) -> None:
        with self._ready() as client, self._milvus.searching.passing():
            client.load_collection(self._name, timeout=LOAD_TIMEOUT)
        logger.info("collection %s: loaded", self._name)

    def _release(self) -> None:
        with self._ready() as client, self._milvus.searching.passing():
            client.release_collection(self._name, timeout=TIMEOUT)
        logger.info("collection %s: released", self._name)

    def _look_around(self, expected_rows: int | None) -> None:
        with self._ready() as client:
            if not self._milvus.is_lite:
                client.get_server_version(timeout=PING_TIMEOUT)
        if expected_rows not in (None, self._rows):  # another process may have written
            self._rows_changed = True
        if self._rows_changed and self._lease.status().state == "loaded":
            with self._lease.held() as generation:
                self.count(generation)


class LoadedMilvusCollection:
    """A `MilvusCollection` in memory, for as long as its lease is held."""

    def __init__(self, collection: MilvusCollection, generation: int) -> None:
        self._collection = collection
        self._generation = generation

    def search(self, vector: Vector, limit: int, nprobe: int | None = None, exact: bool = False) -> list[Hit]:
        return self._collection.search(self._generation, vector, limit, nprobe, exact)

    def present(self, img_paths: Sequence[str]) -> set[ContentId]:
        return {id_of(row[PRIMARY_KEY]) for row in self._collection.rows_of(self._generation, img_paths, [])}

    def vectors(self, img_paths: Sequence[str]) -> dict[ContentId, Vector]:
        rows = self._collection.rows_of(self._generation, img_paths, [EMBEDDING])
        return {id_of(row[PRIMARY_KEY]): np.asarray(row[EMBEDDING], dtype=np.float32) for row in rows}

    def count(self) -> int:
        return self._collection.count(self._generation)


def vector_dim(client: MilvusClient, name: str) -> int:
    fields = client.describe_collection(name, timeout=TIMEOUT)["fields"]
    return next(int(field["params"]["dim"]) for field in fields if field["name"] == EMBEDDING)


def checked_paths(img_paths: Sequence[str]) -> list[str]:
    """pymilvus pastes keys into an expression unescaped: only image paths get that far."""
    for path in img_paths:
        id = id_of(path)
        if not re.fullmatch(rf"images/{id[:2]}/{id}\.[a-z0-9]{{2,5}}", path, flags=re.ASCII):
            raise InvalidContentId(f"{path[:80]!r} is not the path of a picture.")
    return list(img_paths)


def _check_vectors(vectors: Vectors, dim: int) -> None:
    if vectors.shape[1:] != (dim,):
        raise ValueError(f"vectors have shape {vectors.shape}, expected (n, {dim})")
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.all(np.isfinite(vectors)) or not np.allclose(lengths, 1, atol=1e-2):
        raise ValueError("vectors must be finite and of unit length")


def _row(record: Record, vector: Vector) -> dict[str, Any]:
    built_in = {name: getattr(record, name) for name in FIELDS}
    return {PRIMARY_KEY: record.img_path, EMBEDDING: vector, METADATA: dict(record.metadata), **built_in}


def _record(img_path: str, entity: dict[str, Any]) -> Record:
    fields = {name: entity[name] for name in FIELDS}
    return Record(content_id=id_of(img_path), img_path=img_path, metadata=entity.get(METADATA) or {}, **fields)


def _says_not_loaded(error: BaseException | None) -> bool:
    if not isinstance(error, MilvusException):
        return False
    text = str(error)
    gone = "fail to Search" in text and "collection not found" in text
    return error.code in (101, 103) or "not loaded" in text or "not fully loaded" in text or gone
