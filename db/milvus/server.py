"""Works with a Milvus server: beside other processes, and with collections behind aliases."""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

from pymilvus import MilvusClient

from db.milvus.aliases import behind, meant_by, name_with, nlist_in, write_to_all
from db.milvus.backend import NO_PROXY, OthersIndex
from db.milvus.milvus_errors import brief, is_going, is_loss
from db.milvus.rebuild import ServerRebuild
from db.milvus.schema import (
    METADATA,
    NUMBERS,
    PING_TIMEOUT,
    TEXTS,
    TIMEOUT,
    VISITOR,
    FieldIndex,
    create,
    index_nlist,
    loaded_rows,
    stored_rows,
)
from db.milvus.shared_lock import Locks
from library.errors import IndexUnavailable
from library.running.proxies import grpc_proxy

WITH_METADATA_INDEX = (2, 6)  # from this version on, all keys of a JSON field can have one index
METADATA_INDEX = FieldIndex("INVERTED", {"json_path": METADATA, "json_cast_type": "JSON"})

SCRIPT_OPENING = """\
# Needs pymilvus. MILVUS_URI, MILVUS_TOKEN and MILVUS_DB are those of the app; no token means no login.
import os

from pymilvus import MilvusClient

client = MilvusClient(
    os.environ.get("MILVUS_URI") or "http://localhost:19530",
    token=os.environ.get("MILVUS_TOKEN", ""),
    db_name=os.environ.get("MILVUS_DB", ""),
)
"""


class Server:
    """Connects to a Milvus server at `uri`; `Backend` says what each method does."""

    name = "Milvus"
    script_opening = SCRIPT_OPENING
    may_answer_empty = True
    counts_unloaded = False
    finds_deleted_rows = True
    flush_after_run = 1000
    indexes_late = False
    accelerated: bool | None = None
    rows_in_an_answer: int | None = 10_000  # an answer is one message of at most 64 MiB

    def __init__(self, uri: str, token: str = "", db_name: str = "") -> None:
        self._uri = uri
        self._token = token
        self._db_name = db_name

    def connect(self) -> MilvusClient:
        options = {} if grpc_proxy(self._uri) else NO_PROXY
        return MilvusClient(
            self._uri,
            token=self._token,
            db_name=self._db_name,
            timeout=TIMEOUT,
            grpc_options=options,
            dedicated=True,  # a shared one has the options of whoever in this process came first
        )

    def release_files(self) -> None:
        pass  # the files are the server's

    def explain(self, error: Exception) -> IndexUnavailable:
        text, shown = str(error), without_login(self._uri)
        if "auth" in text.lower() or "permission" in text.lower():
            return IndexUnavailable("milvus_login_refused", uri=shown)
        if is_going(error):
            return IndexUnavailable("milvus_broke_off", uri=shown, reason=brief(text))
        if is_loss(error) and (proxy := grpc_proxy(self._uri)):
            return IndexUnavailable("milvus_away_by_proxy", uri=shown, variable=proxy.variable, proxy=proxy.address)
        if not is_loss(error):
            return IndexUnavailable("milvus_refused", uri=shown, reason=brief(text))
        return IndexUnavailable("milvus_away", uri=shown)

    def quote(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=False)

    def flushing(self, locks: Locks) -> AbstractContextManager[object]:
        return locks.writing

    def rebuilding(self, locks: Locks) -> AbstractContextManager[object]:
        return nullcontext()

    def rows_to_load(self, client: MilvusClient, name: str) -> int:
        return stored_rows(client, name)

    def rows_once_loaded(self, client: MilvusClient, name: str) -> int:
        # Until one strong read, a server that has just loaded may answer without the rows that nobody flushed.
        return loaded_rows(client, name, "Strong")

    def look_at_others(self, client: MilvusClient, name: str) -> OthersIndex:
        client.get_server_version(timeout=PING_TIMEOUT)
        return OthersIndex(index_nlist(client, name), self.has_unfinished_rebuild(client, name))

    def flushes_in_bulk(self, unflushed: int, seconds: float) -> bool:
        return False

    def write(self, client: MilvusClient, name: str, write: Callable[[str], object]) -> None:
        write_to_all(client, name, write)

    def create(self, client: MilvusClient, name: str, dim: int, nlist: int, properties: dict[str, str]) -> None:
        if not behind(client, name):
            create(client, name_with(name, nlist), dim, properties)
        meant_by(client, name)

    def field_indexes(self, version: str) -> Mapping[str, FieldIndex]:
        metadata = {METADATA: METADATA_INDEX} if _is_at_least(version, *WITH_METADATA_INDEX) else {}
        texts = {field: FieldIndex("Trie") for field in (*TEXTS, VISITOR)}  # the only one before 2.4
        return {**texts, **{field: FieldIndex("STL_SORT") for field in NUMBERS}, **metadata}

    def intended_nlist(self, client: MilvusClient, name: str) -> int | None:
        return nlist_in(meant_by(client, name))

    def indexed_together(self, rows: int) -> int:
        return rows

    def has_unfinished_rebuild(self, client: MilvusClient, name: str) -> bool:
        return len(behind(client, name)) > 1

    def rebuild(self, client: MilvusClient, name: str, dim: int, nlist: int) -> bool:
        self._rebuild(client, name, dim, nlist)
        return False

    def move(self, client: MilvusClient, name: str, dim: int, nlist: int, locks: Locks) -> None:
        present = nlist_in(meant_by(client, name)) or index_nlist(client, name)
        self._rebuild(client, name, dim, max(nlist, present + 1))  # of two collections, the larger one is newer

    def _rebuild(self, client: MilvusClient, name: str, dim: int, nlist: int) -> None:
        version = client.get_server_version(timeout=TIMEOUT).removeprefix("v")
        ServerRebuild(client, name, dim, nlist, self.field_indexes(version)).run()


def without_login(uri: str) -> str:
    """Returns the address as it may be shown: it can carry a name and a password."""
    return re.sub(r"//[^/]*@", "//", uri).partition("?")[0]


def _is_at_least(version: str, major: int, minor: int) -> bool:
    found = re.match(r"(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) >= (major, minor)
