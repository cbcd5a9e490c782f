"""Opens one collection for each encoder, all in one Milvus."""

import logging
import re
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pymilvus import MilvusClient

from db.files.nprobe_choices import NprobeChoices
from db.milvus.aliases import name_without_nlist
from db.milvus.backend import Backend
from db.milvus.catalogue import described, labels
from db.milvus.clusters import NlistRule
from db.milvus.collection import MilvusCollection
from db.milvus.connection import Connection
from db.milvus.handle import CollectionHandle
from db.milvus.lite import Lite
from db.milvus.rows import checked_paths
from db.milvus.schema import TIMEOUT, vector_dim
from db.milvus.server import Server
from library.errors import UnknownCollection
from library.ports import EncoderInfo, StoredCollection
from library.records import Record
from library.running.together import Together

logger = logging.getLogger(__name__)

PREFIX = "likeness_"


class Milvus:
    """Keeps collections in Milvus Lite or on a server, as a `VectorDatabase`. Connects when first needed."""

    def __init__(
        self,
        uri: str | Path,
        *,
        token: str = "",
        db_name: str = "",
        nlist: NlistRule = NlistRule(),  # noqa: B008
        release_after: float | None = 30.0,
        choices: NprobeChoices | None = None,
        measured: NprobeChoices | None = None,
        lite_accelerated: bool = True,
        together: Together | None = None,
    ) -> None:
        """Opens Milvus Lite for a `Path`, with or without its `lite_accelerator`, and a server for a URI.

        `release_after` is that of `Lease`; `together` joins the searches that come at the same time.
        """
        self.backend: Backend = Lite(uri, lite_accelerated) if isinstance(uri, Path) else Server(uri, token, db_name)
        self.connection = Connection(self.backend)
        self.nlist = nlist
        self.release_after = release_after
        self.choices = choices
        self.measured = measured
        self.together = together or Together()
        self._making = threading.Lock()
        self._collections: dict[str, MilvusCollection] = {}

    def collection(self, encoder: EncoderInfo) -> MilvusCollection:
        """Returns the collection of this encoder, which is made in Milvus by its first use."""
        found = self._collection(collection_name(encoder), encoder.dim)
        found.handle.labels = found.handle.labels or labels(encoder)
        return found

    def holds(self, encoder: EncoderInfo) -> bool:
        """Tells whether Milvus has a collection of this encoder."""
        with self.connection.explained():
            return collection_name(encoder) in self._names()

    def name_of(self, encoder: EncoderInfo) -> str:
        """Returns the name that the collection of this encoder has in Milvus."""
        return collection_name(encoder)

    def stored(self) -> list[StoredCollection]:
        """Lists every collection of ours by name, without loading any."""
        names = self._names()
        with self.connection.explained():
            return [self._described(name) for name in names]

    def named(self, name: str) -> MilvusCollection:
        """Returns a collection that is there. Raises UnknownCollection."""
        if name not in self._names():
            raise UnknownCollection("no_collection", name=name)
        return self._existing(name)

    def names(self, prefix: str) -> list[str]:
        """Returns the names of the collections that start so, each as searches know it."""
        with self.connection.explained():
            names = self.connection.client().list_collections(timeout=TIMEOUT)
        return sorted({name_without_nlist(name) for name in names if name.startswith(prefix)})

    def drop(self, name: str) -> None:
        """Deletes a collection with all its vectors. Raises UnknownCollection."""
        self.named(name).drop()
        logger.info("collection %s: dropped", name)

    def update(self, records: Sequence[Record]) -> None:
        """Puts the records into the rows they have, in every collection."""
        for name in self._names():
            self._existing(name).update(records)

    def delete(self, img_paths: Sequence[str]) -> None:
        """Removes the rows from every collection. Raises InvalidContentId before anything is deleted."""
        ids = checked_paths(img_paths)
        names = self._names() if ids else []
        with self.connection.explained(), self.connection.locks.writing:
            for name in names:
                client = self.connection.client()
                self.backend.write(client, name, partial(_delete, client, ids))
        for collection in self._collections.values():
            collection.expect_other_count()

    def close(self) -> None:
        """Flushes and releases the collections, then closes the connection."""
        for collection in self._collections.values():
            collection.close()
        self.connection.close()

    def _names(self) -> list[str]:
        return self.names(PREFIX)

    def _described(self, name: str) -> StoredCollection:
        known = self._collections.get(name)
        rows, labels = (known.counted, known.handle.labels) if known else (None, {})
        return described(self.connection.client(), name, rows, labels)

    def _existing(self, name: str) -> MilvusCollection:
        with self.connection.explained():
            dim = vector_dim(self.connection.client(), name)
        return self._collection(name, dim)

    def _collection(self, name: str, dim: int) -> MilvusCollection:
        with self._making:
            if name not in self._collections:
                kept = self.choices, self.measured
                handle = CollectionHandle(self.connection, name, dim, self.nlist, self.release_after, *kept)
                self._collections[name] = MilvusCollection(handle, self.together)
            return self._collections[name]


def collection_name(encoder: EncoderInfo) -> str:
    """Returns letters, digits and underscores, as Milvus wants them; models of one name differ by fingerprint."""
    readable = re.sub(r"[^a-z0-9]+", "_", encoder.name.lower()).strip("_")[-80:]
    return f"{PREFIX}{readable}_{encoder.fingerprint[:12]}"


def _delete(client: MilvusClient, ids: list[str], collection: str) -> None:
    client.delete(collection, ids=ids, timeout=TIMEOUT)
