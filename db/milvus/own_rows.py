"""Keeps the rows of each visitor of the demo: all in one collection beside that of a model, told apart by a field."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import numpy as np
from pymilvus import MilvusClient

from db.milvus.clusters import EVERY_CLUSTER
from db.milvus.database import Milvus, collection_name
from db.milvus.filters import expression
from db.milvus.handle import CollectionHandle
from db.milvus.rows import MilvusRow, as_row, check_vectors, checked_paths, hits_of, record_of
from db.milvus.schema import (
    EMBEDDING,
    EXPIRES,
    LOAD_TIMEOUT,
    METRIC,
    PRIMARY_KEY,
    QUERY_TIMEOUT,
    SHOWN,
    VISITOR,
    VISITORS_PREFIX,
    WRITE_TIMEOUT,
    has_typed_fields,
    loaded_rows,
    upsert,
    vector_dim,
)
from db.milvus.stable_page import in_order
from library.errors import IndexUnavailable
from library.images import ContentId
from library.ports import EncoderInfo, Hit, Vector, Vectors
from library.records import Record
from library.search.filters import Filter
from library.visitors.space_key import MOST_PICTURES, SpaceKey

logger = logging.getLogger(__name__)

T = TypeVar("T")


class OwnRows:
    """Opens the rows of any space. Keys start with the space, so that two spaces may have the same picture."""

    def __init__(self, milvus: Milvus) -> None:
        self._milvus = milvus
        self._making = threading.Lock()
        self._handles: dict[str, CollectionHandle] = {}

    def of(self, space: SpaceKey) -> "MilvusOwnDatabase":
        """Returns the rows of one space, and no others."""
        return MilvusOwnDatabase(self, space)

    def remove(self, space: SpaceKey) -> None:
        """Removes all rows of a space, in the collection of every model."""
        self._remove(_of(space))

    def remove_expired(self, now: int) -> None:
        """Removes the rows of every space that ended before a moment, which is given in milliseconds.

        Those that are left in a collection of an earlier version get fields with types, without encoding.
        """
        self._remove(f"{EXPIRES} <= {now}")
        for name in self.names():
            self._move_earlier(self.handle(name))

    def close(self) -> None:
        """Releases what is loaded."""
        for handle in self._handles.values():
            handle.lease.release_now()

    def handle(self, name: str, dim: int | None = None) -> CollectionHandle:
        """Returns the handle of the visitors' collection beside that of a name; without `dim` it has to be there."""
        milvus, own = self._milvus, VISITORS_PREFIX + name
        with self._making:
            if name not in self._handles:
                if dim is None:
                    with milvus.connection.explained():
                        dim = vector_dim(milvus.connection.client(), own)
                made = CollectionHandle(milvus.connection, own, dim, milvus.nlist, milvus.release_after, None)
                self._handles[name] = made
            return self._handles[name]

    def names(self) -> list[str]:
        """Returns the names of the collections beside which there is one of visitors."""
        return [name.removeprefix(VISITORS_PREFIX) for name in self._milvus.names(VISITORS_PREFIX)]

    def _remove(self, which: str) -> None:
        for name in self.names():
            handle = self.handle(name)
            with handle.lease.held() as generation:
                ask = partial(_query, name=handle.name, which=which, fields=[])
                found = handle.ask(generation, ask)
            if keys := [row[PRIMARY_KEY] for row in found]:
                _delete(handle, keys)
                with handle.backend.flushing(handle.connection.locks), handle.ready() as client:
                    client.flush(handle.name, timeout=LOAD_TIMEOUT)  # nor are they left in a log of changes
                logger.info("collection %s: removed %d rows", handle.name, len(keys))

    def _move_earlier(self, handle: CollectionHandle) -> None:
        try:
            with handle.lease.held(), handle.ready() as client:
                begun = handle.backend.has_unfinished_rebuild(client, handle.name)
                if begun or not has_typed_fields(client, handle.name):
                    handle.backend.move(client, handle.name, handle.dim, handle.nlist, handle.connection.locks)
                    logger.info("collection %s: its fields have types now", handle.name)
        except IndexUnavailable as error:  # it is searched as it is
            logger.warning("collection %s: its fields get types later: %s", handle.name, error)


class MilvusOwnDatabase:
    """Holds the rows of one space in the collections of all models."""

    def __init__(self, rows: OwnRows, space: SpaceKey) -> None:
        self._rows = rows
        self._space = space

    def collection(self, encoder: EncoderInfo) -> "MilvusOwnCollection":
        """Returns the rows beside the collection of an encoder."""
        return MilvusOwnCollection(self._rows.handle(collection_name(encoder), encoder.dim), self._space)

    def named(self, name: str) -> "MilvusOwnCollection | None":
        """Returns the rows beside the collection of that name; None where no visitor has any."""
        return MilvusOwnCollection(self._rows.handle(name), self._space) if name in self._rows.names() else None

    def update(self, records: Sequence[Record]) -> None:
        """Puts the records into the rows they have; the vectors stay."""
        for name in self._rows.names():
            collection = MilvusOwnCollection(self._rows.handle(name), self._space)
            with collection.loaded() as rows:
                vectors = rows.vectors([record.img_path for record in records])
            present = [record for record in records if record.content_id in vectors]
            if present:
                collection.upsert(present, np.stack([vectors[record.content_id] for record in present]))

    def delete(self, img_paths: Sequence[str]) -> None:
        """Removes the rows of these pictures."""
        keys = [self._space.key_of(path) for path in checked_paths(img_paths)]
        for name in self._rows.names() if keys else []:
            _delete(self._rows.handle(name), keys)


class MilvusOwnCollection:
    """Writes the rows of one space, and yields them loaded into memory for searches."""

    def __init__(self, handle: CollectionHandle, space: SpaceKey) -> None:
        self._handle = handle
        self._space = space

    def upsert(self, records: Sequence[Record], vectors: Vectors) -> None:
        """Writes the rows, replacing those that are there. Raises ValueError as `MilvusCollection.upsert` does."""
        check_vectors(vectors, self._handle.dim)
        rows = [self._row(record, vector) for record, vector in zip(records, vectors, strict=True)]
        if not rows:
            return
        handle = self._handle
        with handle.ready() as client, handle.connection.locks.writing:
            handle.backend.write(client, handle.name, partial(upsert, client, rows=rows))

    @contextmanager
    def loaded(self) -> Iterator["MilvusOwnRows"]:
        with self._handle.lease.held() as generation:
            yield MilvusOwnRows(self._handle, generation, self._space)

    def _row(self, record: Record, vector: Vector) -> MilvusRow:
        own = {PRIMARY_KEY: self._space.key_of(record.img_path), VISITOR: self._space.key, EXPIRES: self._space.expires}
        return as_row(record, vector) | own


class MilvusOwnRows:
    """Searches and reads the rows of one space, to which every query is bound."""

    def __init__(self, handle: CollectionHandle, generation: int, space: SpaceKey) -> None:
        self._handle = handle
        self._generation = generation
        self._space = space

    def found(self, vectors: Vectors, where: Filter | None) -> list[list[Hit]]:
        """Returns every row that the filter matches, for each vector best first: compared with all, not by cluster."""

        def search(client: MilvusClient) -> list[list[Hit]]:
            answers = client.search(
                self._handle.name,
                data=list(vectors),
                anns_field=EMBEDDING,
                limit=MOST_PICTURES,
                filter=self._bound(where),
                search_params={"metric_type": METRIC, "params": {"nprobe": EVERY_CLUSTER}},
                output_fields=SHOWN,
                timeout=QUERY_TIMEOUT,
            )
            return [hits_of(answer, self._space.path_of) for answer in answers]

        found = self._ask(search)
        return [in_order([hit for hit in hits if where is None or where.matches(hit.record)]) for hits in found]

    def records(self, where: Filter | None) -> list[Record]:
        """Returns the records of all rows that the filter matches, in no order."""
        rows = self._rows(self._bound(where), SHOWN)
        records = [record_of(self._space.path_of(row[PRIMARY_KEY]), row) for row in rows]
        return [record for record in records if where is None or where.matches(record)]

    def vectors(self, img_paths: Sequence[str]) -> dict[ContentId, Vector]:
        """Returns the vectors of those of the pictures that have a row."""
        wanted = {self._space.key_of(path) for path in checked_paths(img_paths)}
        rows = self._rows(self._bound(None), [EMBEDDING]) if wanted else []
        return {
            self._space.id_of(row[PRIMARY_KEY]): np.asarray(row[EMBEDDING], dtype=np.float32)
            for row in rows
            if row[PRIMARY_KEY] in wanted
        }

    def count(self) -> int:
        """Returns how many rows there are."""
        return len(self._rows(self._bound(None), []))

    def _bound(self, where: Filter | None) -> str:
        quote = self._handle.backend.quote
        return f"{_of(self._space)} and ({expression(where, quote)})" if where else _of(self._space)

    def _rows(self, which: str, fields: Sequence[str]) -> list[MilvusRow]:
        return self._ask(lambda client: _query(client, self._handle.name, which, fields))

    def _ask(self, ask: Callable[[MilvusClient], list[T]]) -> list[T]:
        return self._handle.ask(self._generation, ask)


def _of(space: SpaceKey) -> str:
    return f'{VISITOR} == "{space.key}"'  # nothing but hex digits and a hyphen


def _query(client: MilvusClient, name: str, which: str, fields: Sequence[str]) -> list[MilvusRow]:
    return list(client.query(name, filter=which, output_fields=[PRIMARY_KEY, *fields], timeout=QUERY_TIMEOUT))


def _delete(handle: CollectionHandle, keys: list[str]) -> None:
    with handle.ready() as client, handle.connection.locks.writing:
        handle.backend.write(client, handle.name, partial(client.delete, ids=keys, timeout=WRITE_TIMEOUT))
    if handle.backend.finds_deleted_rows:
        with handle.lease.held() as generation:
            handle.ask(generation, lambda client: loaded_rows(client, handle.name, "Strong"))
