"""Rebuilds an index with more clusters: in place on Lite, behind the alias on a server.

On a server every step may be repeated, and several processes may take the same steps at once. While there are two
collections, all rows are written to both (`write_to_all`); what a copy overtook shows in the comparison after it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import product
from typing import Any, TypeVar

from pymilvus import MilvusClient, MilvusException

from db.milvus.aliases import behind, meant_by, name_with, nlist_in
from db.milvus.catalogue import labels_of
from db.milvus.milvus_errors import is_missing, is_not_loaded
from db.milvus.rows import MilvusRow, fitting
from db.milvus.schema import (
    EMBEDDING,
    EXPIRES,
    INDEX_TIMEOUT,
    LOAD_TIMEOUT,
    PRIMARY_KEY,
    SHOWN,
    TIMEOUT,
    UPSERT_ROWS,
    VISITORS_PREFIX,
    WRITE_TIMEOUT,
    FieldIndex,
    create,
    create_field_indexes,
    create_index,
    has_index,
    index_nlist,
    upsert,
)

COMPARED_ROWS = 8000  # at once, without their vectors
COMPARED = [PRIMARY_KEY, *SHOWN]  # a picture and a model make the vector, so that it is the same
ATTEMPTS = 5
LOADS = 12  # of one question: others may release the collection again and again
REFUSED = 65_535  # the code that Milvus gives to what has no code of its own
BULK, LATEST = "Bounded", "Strong"  # consistency levels: the latest takes 0.2 s an answer

T = TypeVar("T")


def rebuild_in_place(client: MilvusClient, name: str, nlist: int) -> None:
    """Rebuilds the index of Lite while nothing else searches or writes.

    Killed half-way it leaves no index; the next opening makes one.
    """
    client.flush(name, timeout=LOAD_TIMEOUT)
    client.release_collection(name, timeout=TIMEOUT)
    client.drop_index(name, EMBEDDING, timeout=TIMEOUT)
    create_index(client, name, nlist)
    client.load_collection(name, timeout=INDEX_TIMEOUT)


def load(client: MilvusClient, name: str) -> None:
    """Loads a collection; one that another process releases meanwhile is loaded again by whoever asks."""
    try:
        client.load_collection(name, timeout=LOAD_TIMEOUT)
    except MilvusException as error:
        if not is_not_loaded(error):
            raise


class ServerRebuild:
    """Copies the rows to a second collection, gives it the name, and drops the first one."""

    def __init__(
        self, client: MilvusClient, name: str, dim: int, nlist: int, field_indexes: Mapping[str, FieldIndex]
    ) -> None:
        self._client = client
        self._name = name
        self._dim = dim
        self._nlist = nlist
        self._field_indexes = field_indexes

    def run(self) -> None:
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                self._try()
                return
            except MilvusException as error:  # another process was faster: what it left to do is looked at anew
                if not (is_missing(error) and attempts_left):
                    raise

    def _try(self) -> None:
        source = self._aliased()
        target = self._target(source)
        if target != source:
            self._prepare(target)
            Copy(self._client, source, target).make()
            if meant_by(self._client, self._name) == source:
                self._client.alter_alias(target, self._name, timeout=TIMEOUT)
        self._drop_smaller()

    def _aliased(self) -> str:
        """Returns the collection behind the alias; a plain one of that name is moved behind it first."""
        meant = meant_by(self._client, self._name)
        if meant != self._name:
            return meant
        try:
            renamed = name_with(self._name, index_nlist(self._client, self._name))
            self._client.rename_collection(self._name, renamed, timeout=TIMEOUT)
            self._client.create_alias(renamed, self._name, timeout=TIMEOUT)
        except MilvusException:
            if meant_by(self._client, self._name) == self._name:  # else another process was faster
                raise
        return meant_by(self._client, self._name)

    def _target(self, source: str) -> str:
        """Returns the collection to fill: one that a rebuild has begun, else a new one, else the present one."""
        largest = behind(self._client, self._name)[-1]
        if _nlist(largest) > _nlist(source):
            return largest
        return name_with(self._name, self._nlist) if self._nlist > _nlist(source) else source

    def _prepare(self, target: str) -> None:
        if not self._client.has_collection(target, timeout=TIMEOUT):
            create(self._client, target, self._dim, labels_of(self._client, meant_by(self._client, self._name)))
        if not has_index(self._client, target):
            create_field_indexes(self._client, target, self._field_indexes)
            create_index(self._client, target, _nlist(target))
        load(self._client, target)

    def _drop_smaller(self) -> None:
        meant = meant_by(self._client, self._name)
        for each in behind(self._client, self._name):
            if _nlist(each) < _nlist(meant):
                Copy(self._client, each, meant).rescue()
                self._client.drop_collection(each, timeout=TIMEOUT)


class Copy:
    """Copies the rows of one collection to another, page by page; a page is what begins with the same digits, and of
    visitors the rows of one space."""

    def __init__(self, client: MilvusClient, source: str, target: str) -> None:
        self._client = client
        self._source = source
        self._target = target

    def make(self) -> None:
        """Copies the rows before the switch: once in bulk, then those that still differ."""
        self.fill(nullcontext())
        self.even_out()

    def fill(self, writing: AbstractContextManager[object]) -> None:
        """Copies the rows in bulk; holds `writing` only for one page after the other."""
        for page in self._pages():
            with writing:
                self._transfer(self._differing(page), BULK)
        with writing:
            self._client.flush(self._target, timeout=LOAD_TIMEOUT)

    def even_out(self) -> None:
        """Copies and deletes the rows that differ."""
        for page in self._pages():
            self._even_out(self._differing(page))

    def rescue(self) -> None:
        """Copies after the switch what only the old one holds: it came from a process that knew of no other."""
        for _ in range(ATTEMPTS):
            expected, seen = self._count(), 0
            for page in self._pages():
                old, new = self._page(self._source, page), self._page(self._target, page)
                self._even_out(sorted(old.keys() - new.keys()))
                seen += len(old)
            if seen >= expected:  # a collection that is just being released may answer with less
                return
        raise MilvusException(REFUSED, f"{self._source} does not show all of its {expected} rows")

    def _differing(self, page: str) -> list[str]:
        old, new = self._page(self._source, page), self._page(self._target, page)
        return sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))

    def _even_out(self, keys: Sequence[str]) -> None:
        """Copies rows until they are the same in both: meanwhile somebody may have written or deleted them."""
        for _ in range(ATTEMPTS):
            if not keys:
                return
            self._transfer(keys, LATEST)
            old, new = self._get(self._source, keys), self._get(self._target, keys)
            keys = [key for key in keys if old.get(key) != new.get(key)]

    def _transfer(self, keys: Sequence[str], consistency: str) -> None:
        for start in range(0, len(keys), UPSERT_ROWS):
            chunk = list(keys[start : start + UPSERT_ROWS])
            rows = self._get(self._source, chunk, consistency, ["*"])
            if rows:
                upsert(self._client, self._target, list(rows.values()))
            gone = [key for key in chunk if key not in rows]
            # Asked after reading: a collection that is just being dropped may answer with nothing.
            if gone and consistency == LATEST and self._client.has_collection(self._source, timeout=TIMEOUT):
                self._client.delete(self._target, ids=gone, timeout=WRITE_TIMEOUT)

    def _pages(self) -> list[str]:
        if self._source.startswith(VISITORS_PREFIX):
            return self._spaces()
        digits, rows = 0, self._count()
        while rows > COMPARED_ROWS * 16**digits:
            digits += 1
        starts = ("".join(each) for each in product("0123456789abcdef", repeat=digits))
        return [f"images/{each}" if digits <= 2 else f"images/{each[:2]}/{each}" for each in starts]

    def _spaces(self) -> list[str]:
        keys = (
            key
            for name in (self._source, self._target)
            for key in self._read(name, [PRIMARY_KEY], LATEST, filter=f"{EXPIRES} >= 0")
        )
        return sorted({f"{key.partition('/')[0]}/" for key in keys})

    def _page(self, name: str, start: str) -> dict[str, MilvusRow]:
        return self._read(name, COMPARED, LATEST, filter=f'{PRIMARY_KEY} like "{start}%"')

    def _get(
        self, name: str, keys: Sequence[str], consistency: str = LATEST, fields: Sequence[str] = COMPARED
    ) -> dict[str, MilvusRow]:
        rows: dict[str, MilvusRow] = {}
        for start in range(0, len(keys), UPSERT_ROWS):
            rows |= self._read(name, fields, consistency, ids=list(keys[start : start + UPSERT_ROWS]))
        return rows

    def _count(self) -> int:
        [row] = self._asked(
            self._source,
            lambda: self._client.query(
                self._source, filter="", output_fields=["count(*)"], consistency_level=LATEST, timeout=WRITE_TIMEOUT
            ),
        )
        return int(row["count(*)"])

    def _read(self, name: str, fields: Sequence[str], consistency: str, **which: Any) -> dict[str, MilvusRow]:
        rows = self._asked(
            name,
            lambda: self._client.query(
                name, output_fields=list(fields), consistency_level=consistency, timeout=WRITE_TIMEOUT, **which
            ),
        )
        return {row[PRIMARY_KEY]: fitting(dict(row)) for row in rows}

    def _asked(self, name: str, ask: Callable[[], T]) -> T:
        """Returns what `ask` returns; loads and asks again where another process has released the collection."""
        for attempts_left in reversed(range(LOADS)):
            try:
                return ask()
            except MilvusException as error:
                if not (is_not_loaded(error) and attempts_left):
                    raise
            load(self._client, name)
        raise AssertionError("the last try returns or raises")


def _nlist(collection: str) -> int:
    return nlist_in(collection) or 0
