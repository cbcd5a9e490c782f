"""Makes and checks one collection before its first use, loads it, and repeats what was interrupted."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import grpc
from pymilvus import MilvusClient, MilvusException

from db.files.nprobe_choices import Choice, NprobeChoices
from db.milvus.catalogue import made_now
from db.milvus.clusters import NlistRule, automatic_nprobe
from db.milvus.connection import Connection
from db.milvus.lease import Lease
from db.milvus.milvus_errors import is_missing, is_not_loaded
from db.milvus.schema import (
    LOAD_TIMEOUT,
    TIMEOUT,
    create_field_indexes,
    create_index,
    has_index,
    index_nlist,
    loaded_rows,
    stored_rows,
    vector_dim,
)
from library.errors import IndexUnavailable

logger = logging.getLogger(__name__)

ATTEMPTS = 12  # others may release the collection again and again, each after its own last search

T = TypeVar("T")


class CollectionHandle:
    """Holds what writing to and searching a collection share: its client, its lease, what is known of it."""

    def __init__(
        self,
        connection: Connection,
        name: str,
        dim: int,
        nlist_rule: NlistRule,
        release_after: float | None,
        choices: NprobeChoices | None,
        measured: NprobeChoices | None = None,
    ) -> None:
        """Keeps the nprobe that somebody chose in `choices`, and the one that was measured in `measured`."""
        self.connection = connection
        self.backend = connection.backend
        self.name = name
        self.dim = dim
        self.nlist_rule = nlist_rule
        self.choices = choices
        self.measured = measured
        self.labels: dict[str, str] = {}  # of its encoder
        self.lease = Lease(self._load, self._release, release_after)
        self.nlist = nlist_rule.smallest
        self.version: str | None = None
        self.rows: int | None = None
        self.rows_are_current = False
        self.rows_at_load = self.flushed_rows = 0
        self.searches = 0
        self.has_written = False
        self.empty_at: int | None = None  # the load under which an empty answer was found to be true
        self._opening = threading.Lock()
        self._is_open = False

    @contextmanager
    def ready(self) -> Iterator[MilvusClient]:
        """Yields the client once the collection is there. Raises IndexUnavailable for whatever fails inside."""
        with self.connection.explained():
            client = self.connection.client()
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

    def do(self, work: Callable[[MilvusClient], T]) -> T:
        """Calls `work`, and again where another process is putting the collection behind an alias of its name."""
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                with self.ready() as client:
                    return work(client)
            except IndexUnavailable as error:
                if not attempts_left or not is_missing(error.__cause__):
                    raise
        raise AssertionError("the last try returns or raises")

    def ask(self, generation: int, ask: Callable[[MilvusClient], T]) -> T:
        """Returns the answer of a loaded collection; loads and asks again where another process has released it."""
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                with self.ready() as client, self.connection.locks.searching.shared():
                    return ask(client)
            except IndexUnavailable as error:
                if not attempts_left or not (is_not_loaded(error.__cause__) or is_missing(error.__cause__)):
                    raise
            generation = self.lease.reload(generation)
        raise AssertionError("the last try returns or raises")

    def reopen(self) -> None:
        """Lets the next use make and check the collection again."""
        self._is_open = False

    def forget(self) -> None:
        """Forgets what is known of a collection that was dropped."""
        self._is_open = self.has_written = self.rows_are_current = False
        self.empty_at = None

    def read_nlist(self) -> int:
        """Asks Milvus for the clusters of the index, which another process may have rebuilt."""
        self.nlist = self.do(lambda client: index_nlist(client, self.name))
        return self.nlist

    def count(self, generation: int) -> int:
        """Counts the rows, all that were written until now."""
        return self._counted(lambda: self.ask(generation, lambda client: loaded_rows(client, self.name)))

    def count_unloaded(self) -> int:
        """Counts the rows without loading them, which is exact where the backend says so (`counts_unloaded`)."""
        with self.connection.locks.searching.shared():
            return self._counted(lambda: self.do(lambda client: stored_rows(client, self.name)))

    def wanted_nlist(self, rows: int) -> int:
        """Returns the number of clusters that an index of `rows` should have."""
        return self.nlist_rule.wanted(self.backend.indexed_together(rows))

    def outgrows(self, nlist: int, rows: int) -> bool:
        """Returns whether an index of `nlist` clusters is too small for `rows`."""
        return self.nlist_rule.outgrown(nlist, self.backend.indexed_together(rows))

    def choice(self) -> Choice | None:
        """Returns the nprobe that somebody chose, for whatever clusters the index had then."""
        return self.choices.find(self.name) if self.choices else None

    def chosen_nprobe(self) -> int | None:
        """Returns the nprobe that somebody chose for the clusters that the index has."""
        choice = self.choice()
        return choice.nprobe if choice and choice.nlist == self.nlist else None

    def automatic_nprobe(self, rows: int) -> int:
        """Returns how many clusters a search looks into where nobody chose that: as measured, else by the rule."""
        found = self.measured.find(self.name) if self.measured else None
        if found and found.nlist == self.nlist and rows > self.nlist_rule.exhaustive_rows:
            return found.nprobe
        return automatic_nprobe(rows, self.nlist)

    def _counted(self, count: Callable[[], int]) -> int:
        self.rows_are_current = True  # before it counts: what is written meanwhile makes the next status count again
        try:
            self.rows = count()
        except IndexUnavailable:
            self.rows_are_current = False
            raise
        return self.rows

    def _open(self, client: MilvusClient) -> None:
        if not client.has_collection(self.name, timeout=TIMEOUT):
            self.backend.create(client, self.name, self.dim, self.nlist_rule.smallest, made_now(self.labels))
        version = client.get_server_version(timeout=TIMEOUT).removeprefix("milvus_lite-").removeprefix("v")
        if not has_index(client, self.name):
            create_field_indexes(client, self.name, self.backend.field_indexes(version))
            intended = self.backend.intended_nlist(client, self.name)
            create_index(client, self.name, intended or self.wanted_nlist(stored_rows(client, self.name)))
        dim = vector_dim(client, self.name)
        if dim != self.dim:
            raise IndexUnavailable("other_dimension", name=self.name, stored=str(dim), made=str(self.dim))
        self.nlist = index_nlist(client, self.name)
        self.flushed_rows = self.backend.rows_to_load(client, self.name)
        self.version = version

    def _load(self) -> None:
        with self.connection.locks.searching.shared():
            self.do(self._load_by)
        logger.info("collection %s: loaded", self.name)

    def _load_by(self, client: MilvusClient) -> None:
        try:
            client.load_collection(self.name, timeout=LOAD_TIMEOUT)
            self.rows_at_load = self.backend.rows_once_loaded(client, self.name)
        except MilvusException as error:
            if not is_not_loaded(error):  # released by another process meanwhile: whoever asks loads it again
                raise

    def _release(self) -> None:
        with self.connection.locks.searching.shared():
            self.do(lambda client: client.release_collection(self.name, timeout=TIMEOUT))
        logger.info("collection %s: released", self.name)
