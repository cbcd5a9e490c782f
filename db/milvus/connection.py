"""Milvus itself: one connection, Lite or a server, and what its failures mean."""

import logging
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import grpc
from pymilvus import MilvusClient, MilvusException

from db.files.nprobe_choices import NprobeChoices
from db.milvus.aliases import name_without_nlist, write_to_all
from db.milvus.catalogue import described, labels
from db.milvus.clusters import NlistRule
from db.milvus.collection import MilvusCollection
from db.milvus.rows import checked_paths
from db.milvus.schema import TIMEOUT, vector_dim
from db.milvus.shared_lock import SharedGate
from library.errors import IndexUnavailable, UnknownCollection
from library.ports import EncoderInfo, StoredCollection
from library.records import Record

logger = logging.getLogger(__name__)

PREFIX = "likeness_"
# Lite's own little server takes pymilvus's ping every ten seconds for an attack and hangs up.
RARE_PINGS = {"grpc.keepalive_time_ms": 600_000}


class Milvus:
    """One Milvus: Lite in a folder of its own, or a server. Connects when first needed, and again after a loss."""

    def __init__(
        self,
        uri: str | Path,
        *,
        token: str = "",
        db_name: str = "",
        nlist: NlistRule = NlistRule(),  # noqa: B008
        release_after: float | None = 30.0,
        choices: NprobeChoices | None = None,
    ) -> None:
        """A `Path` means Milvus Lite. `release_after` as in `Lease`."""
        self.choices = choices
        self.is_lite = isinstance(uri, Path)
        self.nlist = nlist
        self.release_after = release_after
        self.writing = threading.Lock()  # two threads writing at once destroy the write-ahead log of Lite
        self.searching = SharedGate()  # a search during a flush of Lite can miss a fresh row
        self._uri = uri
        self._shown = uri.name if isinstance(uri, Path) else without_login(uri)
        self._token = token
        self._db_name = db_name
        self._is_away = self._has_answered = False
        self._connecting = threading.Lock()
        self._client: MilvusClient | None = None
        self._collections: dict[str, MilvusCollection] = {}

    def collection(self, encoder: EncoderInfo) -> "MilvusCollection":
        found = self._collection(collection_name(encoder), encoder.dim)
        found.labels = found.labels or labels(encoder)
        return found

    def holds(self, encoder: EncoderInfo) -> bool:
        with self.explained():
            return collection_name(encoder) in self._names()

    def name_of(self, encoder: EncoderInfo) -> str:
        return collection_name(encoder)

    def stored(self) -> list[StoredCollection]:
        names = self._names()
        with self.explained():
            return [self._described(name) for name in names]

    def drop(self, name: str) -> None:
        if name not in self._names():
            raise UnknownCollection(f"There is no collection {name}: it may have been dropped already.")
        with self.explained():
            dim = vector_dim(self.client(), name)
        self._collection(name, dim).drop()
        logger.info("collection %s: dropped", name)

    def update(self, records: Sequence[Record]) -> None:
        for name in self._names():
            with self.explained():
                dim = vector_dim(self.client(), name)
            self._collection(name, dim).update(records)

    def delete(self, img_paths: Sequence[str]) -> None:
        """Removes the rows from every collection. Raises InvalidContentId before anything is deleted."""
        ids = checked_paths(img_paths)
        names = self._names() if ids else []
        with self.explained(), self.writing:
            for name in names:
                self._delete(self.client(), name, ids)
        for collection in self._collections.values():
            collection.expect_other_count()

    def client(self) -> MilvusClient:
        with self._connecting:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def close(self) -> None:
        for collection in self._collections.values():
            collection.close()
        with self._connecting:
            client, self._client = self._client, None
        if client is not None:
            client.close()
            self._let_go_of_files()

    @property
    def backend(self) -> str:
        return "Milvus Lite" if self.is_lite else "Milvus"

    def without_searches(self) -> AbstractContextManager[None]:
        """On Lite a flush excludes searches; a server orders them itself."""
        return self.searching.closed() if self.is_lite else nullcontext()

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turns what pymilvus and gRPC raise into one IndexUnavailable that says what to do."""
        try:
            yield
        except (MilvusException, grpc.RpcError, OSError) as error:
            logger.debug("%s failed: %s", self.backend, error)
            advice = self._advice(error)
            if _is_loss(error):
                self._note_loss(advice)
            raise IndexUnavailable(advice) from error
        self._note_answer()

    def _names(self) -> list[str]:
        """Of the collections that are ours, each as searches know it."""
        with self.explained():
            names = self.client().list_collections(timeout=TIMEOUT)
        return sorted({name_without_nlist(name) for name in names if name.startswith(PREFIX)})

    def _described(self, name: str) -> StoredCollection:
        known = self._collections.get(name)
        return described(self.client(), name, known.counted if known else None, known.labels if known else {})

    def _delete(self, client: MilvusClient, name: str, ids: list[str]) -> None:
        def delete(collection: str) -> None:
            client.delete(collection, ids=ids, timeout=TIMEOUT)

        if self.is_lite:
            delete(name)
        else:
            write_to_all(client, name, delete)

    def _collection(self, name: str, dim: int) -> "MilvusCollection":
        with self._connecting:
            if name not in self._collections:
                self._collections[name] = MilvusCollection(self, name, dim)
            return self._collections[name]

    def _note_loss(self, advice: str) -> None:
        """One line, however many queries meet it. One that was never there is told by whoever asked for it."""
        if not self._is_away:
            logger.log(logging.WARNING if self._has_answered else logging.INFO, "Milvus is away: %s", advice)
        self._is_away = True

    def _note_answer(self) -> None:
        if self._is_away:
            logger.info("Milvus is back")
        self._is_away, self._has_answered = False, True

    def _connect(self) -> MilvusClient:
        if isinstance(self._uri, Path):
            self._uri.parent.mkdir(parents=True, exist_ok=True)
            return MilvusClient(str(self._uri), grpc_options=RARE_PINGS)
        return MilvusClient(self._uri, token=self._token, db_name=self._db_name, timeout=TIMEOUT)

    def _let_go_of_files(self) -> None:
        if self.is_lite:
            from milvus_lite import server_manager_instance  # closing the client leaves the file locked

            server_manager_instance.release_server(str(self._uri))

    def _without_folder(self, text: str) -> str:
        """Visitors of the page read this too."""
        if isinstance(self._uri, Path):
            for path in (self._uri.absolute(), self._uri.resolve()):
                text = text.replace(str(path), path.name).replace(str(path.parent), "DATA_DIR")
        return text

    def _advice(self, error: Exception) -> str:
        text = self._without_folder(str(error))
        if self.is_lite and "Open local milvus failed" in text:
            return (
                f"{self._shown} is in use by another process, most likely the running app. Use its page, or stop it "
                "first; with a Milvus server (MILVUS_URI) several processes can work at once."
            )
        if self.is_lite:
            return f"Milvus Lite at {self._shown} failed: {_brief(text)}. Restart the app; the pictures are safe."
        if "auth" in text.lower() or "permission" in text.lower():
            return f"Milvus at {self._shown} refused the login. Check MILVUS_TOKEN and MILVUS_DB."
        if not _is_loss(error):
            return f"Milvus at {self._shown} could not do this: {_brief(text)}."
        return (
            f"Milvus at {self._shown} does not answer. Start it (docker compose -f docker-compose.milvus.yml up -d) "
            "or correct MILVUS_URI or MILVUS_TOKEN; the next query tries again."
        )


def collection_name(encoder: EncoderInfo) -> str:
    """Letters, digits and underscores, as Milvus wants it; models of one name differ by fingerprint."""
    readable = re.sub(r"[^a-z0-9]+", "_", encoder.name.lower()).strip("_")[-80:]
    return f"{PREFIX}{readable}_{encoder.fingerprint[:12]}"


def without_login(uri: str) -> str:
    """As it may be shown: an address can carry a name and a password."""
    return re.sub(r"//[^/]*@", "//", uri).partition("?")[0]


def _is_loss(error: Exception) -> bool:
    """Whether Milvus was not reached at all, rather than refusing what was asked."""
    return not isinstance(error, MilvusException) or error.code in (1, 2)


def _brief(text: str) -> str:
    message = re.search(r"message=(.*?)\)?>?$", text, flags=re.DOTALL)
    return (message[1] if message else text).strip().rstrip(".")[:300]
