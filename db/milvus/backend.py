"""Describes the differences between Milvus Lite and a Milvus server, for the code that works with either."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from pymilvus import MilvusClient

from db.milvus.schema import FieldIndex
from db.milvus.shared_lock import Locks
from library.errors import IndexUnavailable

NO_PROXY = {"grpc.enable_http_proxy": 0}  # for a channel that is to go directly


class OthersIndex(NamedTuple):
    """Says what an index is that another process may have rebuilt, or is rebuilding."""

    nlist: int
    is_being_rebuilt: bool


class Backend(Protocol):
    """Describes one kind of Milvus: `Lite` in a folder of its own, or `Server`."""

    name: str
    script_opening: str  # Python that makes `client`, for the program that repeats a search
    may_answer_empty: bool  # though there are rows, while another process loads or releases
    counts_unloaded: bool  # exactly, also rows that nobody flushed
    finds_deleted_rows: bool  # until the next strong read
    flush_after_run: int  # unflushed rows from which the end of a run flushes
    indexes_late: bool  # flushed rows get their index later, in the background
    rows_in_an_answer: int | None  # None: no bound
    accelerated: bool | None  # whether the walks of Lite are replaced; None before it is connected, and on a server

    def connect(self) -> MilvusClient: ...
    def release_files(self) -> None:
        """Lets other processes open the files, once the client is closed."""
        ...

    def explain(self, error: Exception) -> IndexUnavailable:
        """Returns the error for people that says what failed and what to do."""
        ...

    def quote(self, text: str) -> str:
        """Returns the text as a literal of a filter expression."""
        ...

    def flushing(self, locks: Locks) -> AbstractContextManager[object]:
        """Keeps out, while held, the writes and searches that may not run beside a flush or a drop."""
        ...

    def rebuilding(self, locks: Locks) -> AbstractContextManager[object]:
        """Keeps out, while held, the writes and searches that may not run beside a rebuild of the index."""
        ...

    def rows_to_load(self, client: MilvusClient, name: str) -> int:
        """Returns how many flushed rows the first search has to wait for; 0 where loading takes no time."""
        ...

    def rows_once_loaded(self, client: MilvusClient, name: str) -> int:
        """Waits until a collection that was just loaded shows all rows, and counts them; 0 where it always does."""
        ...

    def look_at_others(self, client: MilvusClient, name: str) -> OthersIndex | None:
        """Returns what other processes have made of the index; None where there can be no others."""
        ...

    def flushes_in_bulk(self, unflushed: int, seconds: float) -> bool:
        """Tells whether to flush in the middle of a run, `seconds` after the last flush."""
        ...

    def write(self, client: MilvusClient, name: str, write: Callable[[str], object]) -> None:
        """Calls `write` with the name of each collection that has to get the rows. It may be called repeatedly."""
        ...

    def create(self, client: MilvusClient, name: str, dim: int, nlist: int, properties: dict[str, str]) -> None:
        """Makes the collection, which may be half made already, without its index."""
        ...

    def field_indexes(self, version: str) -> Mapping[str, FieldIndex]:
        """Returns the indexes for fields that filters are about, each by its field, as that version has them."""
        ...

    def intended_nlist(self, client: MilvusClient, name: str) -> int | None:
        """Returns the nlist that the index of a collection without one was to have, where that is known."""
        ...

    def indexed_together(self, rows: int) -> int:
        """Returns how many of `rows` share one index."""
        ...

    def has_unfinished_rebuild(self, client: MilvusClient, name: str) -> bool:
        """Tells whether another process is rebuilding the index, or was killed while it did."""
        ...

    def rebuild(self, client: MilvusClient, name: str, dim: int, nlist: int) -> bool:
        """Gives the index `nlist` clusters. Returns whether every row is flushed now."""
        ...

    def move(self, client: MilvusClient, name: str, dim: int, nlist: int, locks: Locks) -> None:
        """Copies the rows to a collection with typed fields, which takes the name. Searches go on meanwhile, and what
        a kill has left is finished by the next call."""
        ...
