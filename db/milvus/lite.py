"""Runs Milvus Lite: in one process, in one folder, and without searches while it flushes."""

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import TYPE_CHECKING

from pymilvus import MilvusClient

from db.milvus.backend import NO_PROXY
from db.milvus.clusters import LITE_SEGMENT_ROWS
from db.milvus.lite_move import LiteMove, finish_moves
from db.milvus.milvus_errors import brief
from db.milvus.rebuild import rebuild_in_place
from db.milvus.schema import TIMEOUT, VISITOR, FieldIndex, create
from db.milvus.shared_lock import Locks
from library.errors import IndexUnavailable
from library.messages.reasons import reason_of
from library.running.disk import is_full

if TYPE_CHECKING:
    from db.milvus.lite_server import LiteServer

# Lite's own little server takes pymilvus's ping every ten seconds for an attack and hangs up.
CHANNEL = {"grpc.keepalive_time_ms": 600_000} | NO_PROXY
BULK_FLUSH_ROWS = 5000
BULK_FLUSH_SECONDS = 10.0  # apart at least: a flush of few rows makes a segment more for every search

# What the readers of its files say of damage, each in words of its own, and what keeps them from reading.
DAMAGE = re.compile(
    r"faiss::|parquet|manifest|schema file|valid JSON|No such file|unexpected end|corrupt|deserializ|magic"
    r"|codec can't decode|Expecting (value|property|',')|Extra data|Unterminated string|Invalid control character"
    r"|object (has no attribute|is not (subscriptable|iterable))|indices must be",
    re.IGNORECASE,
)
IN_THE_WAY = re.compile("denied|not permitted|Too many open|Read-only|allocate|memory", re.IGNORECASE)

SCRIPT_OPENING = """\
# Needs pymilvus and milvus-lite. Milvus Lite lets one process at a time open its folder: stop the app first.
# Run it where the app runs, or set DATA_DIR as the app has it.
import os
from pathlib import Path

os.environ["MILVUS_URI"] = ""  # pymilvus reads it as it is imported
from pymilvus import MilvusClient

client = MilvusClient(str(Path(os.environ.get("DATA_DIR") or "data") / "milvus.db"))
"""


class Lite:
    """Keeps collections with Milvus Lite in the folder `path`; `Backend` says what each method does."""

    name = "Milvus Lite"
    script_opening = SCRIPT_OPENING
    may_answer_empty = False
    counts_unloaded = True
    finds_deleted_rows = False
    flush_after_run = 200  # beyond it, Lite's slow search of unflushed rows is felt
    indexes_late = True
    rows_in_an_answer: int | None = None

    def __init__(self, path: Path, accelerated: bool = True) -> None:
        self._path = path
        self._accelerates = accelerated
        self.accelerated: bool | None = None
        self._server: LiteServer | None = None

    def connect(self) -> MilvusClient:
        from db.milvus.lite_accelerator import accelerate, is_accelerated
        from db.milvus.lite_faiss import replace_faiss
        from db.milvus.lite_server import LiteServer

        self._path.parent.mkdir(parents=True, exist_ok=True)
        replace_faiss()
        if self._accelerates:
            accelerate()
        self.accelerated = is_accelerated()
        if self._server is None:
            try:
                self._server = LiteServer(self._path)
            except Exception as error:  # whatever a damaged folder makes Lite raise
                raise self._not_opened(error) from error
        client = MilvusClient(self._server.address, grpc_options=CHANNEL, dedicated=True)
        finish_moves(client)
        return client

    def release_files(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def explain(self, error: Exception) -> IndexUnavailable:
        text = self._without_folder(str(error))
        name = self._path.name
        if is_full(error):
            return IndexUnavailable("lite_disk_full", name=name)
        if isinstance(error, OSError):  # the folder around it could not be made
            return IndexUnavailable("lite_no_folder", name=name, reason=reason_of(error))
        if DAMAGE.search(text) and not IN_THE_WAY.search(text):
            return IndexUnavailable("lite_damaged", name=name)
        return IndexUnavailable("lite_failed", name=name, reason=brief(text))

    def _not_opened(self, error: Exception) -> IndexUnavailable:
        from milvus_lite.exceptions import DataDirLockedError

        from db.milvus.lite_server import NoSocket

        name = self._path.name
        if isinstance(error, NoSocket):
            reason = reason_of(error.__cause__ or error)
            return IndexUnavailable("lite_no_socket", folder=gettempdir(), reason=reason)
        if isinstance(error, DataDirLockedError):
            return IndexUnavailable("lite_in_use", name=name)
        if self._path.exists() and not self._path.is_dir():
            return IndexUnavailable("lite_is_file", name=name)
        if problem := self._write_problem():
            return self.explain(problem)
        return IndexUnavailable("lite_damaged", name=name)

    def quote(self, text: str) -> str:
        # Lite knows no \u, and takes control characters as they are.
        escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
        return f'"{escaped}"'

    @contextmanager
    def flushing(self, locks: Locks) -> Iterator[None]:
        with locks.writing, locks.searching.exclusive():  # a search during a flush can miss a fresh row
            yield

    @contextmanager
    def rebuilding(self, locks: Locks) -> Iterator[None]:
        with self.flushing(locks):
            yield

    def rows_to_load(self, client: MilvusClient, name: str) -> int:
        return 0

    def rows_once_loaded(self, client: MilvusClient, name: str) -> int:
        return 0

    def look_at_others(self, client: MilvusClient, name: str) -> None:
        return None

    def flushes_in_bulk(self, unflushed: int, seconds: float) -> bool:
        return unflushed >= BULK_FLUSH_ROWS and seconds >= BULK_FLUSH_SECONDS

    def write(self, client: MilvusClient, name: str, write: Callable[[str], object]) -> None:
        write(name)

    def create(self, client: MilvusClient, name: str, dim: int, nlist: int, properties: dict[str, str]) -> None:
        self._remove_unfinished(name)
        finish_moves(client)
        if not client.has_collection(name, timeout=TIMEOUT):
            create(client, name, dim, properties)

    def field_indexes(self, version: str) -> Mapping[str, FieldIndex]:
        return {VISITOR: FieldIndex("INVERTED")}  # the others would take longer to load than they save

    def intended_nlist(self, client: MilvusClient, name: str) -> int | None:
        return None

    def indexed_together(self, rows: int) -> int:
        return min(rows, LITE_SEGMENT_ROWS)

    def has_unfinished_rebuild(self, client: MilvusClient, name: str) -> bool:
        return False  # opening makes the index that a killed rebuild has left out

    def rebuild(self, client: MilvusClient, name: str, dim: int, nlist: int) -> bool:
        rebuild_in_place(client, name, nlist)
        return True

    def move(self, client: MilvusClient, name: str, dim: int, nlist: int, locks: Locks) -> None:
        LiteMove(client, name, dim, nlist, locks, self.field_indexes("")).run()

    def _remove_unfinished(self, name: str) -> None:
        """Removes the folder of a collection that a full disk or a kill left without schema and rows.

        Lite would find it in its way for ever.
        """
        folder = self._path / "collections" / name
        if not (folder / "schema.json").exists() and not any(folder.rglob("*.parquet")):
            shutil.rmtree(folder, ignore_errors=True)

    def _write_problem(self) -> OSError | None:
        """Returns why nothing can be written in the folder: what Lite finds out itself, it keeps to itself."""
        try:
            with TemporaryFile(dir=self._path) as file:
                file.write(bytes(4096))
                file.flush()
        except OSError as error:
            return error
        return None

    def _without_folder(self, text: str) -> str:
        """Returns the text without the folders of this machine: visitors of the page read it too."""
        for path in (self._path.absolute(), self._path.resolve()):
            text = text.replace(str(path), path.name).replace(str(path.parent), "DATA_DIR")
        return text
