"""Connects to one Milvus when first needed and again after a loss, and explains its failures."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from pymilvus import MilvusClient, MilvusException

from db.milvus.backend import Backend
from db.milvus.milvus_errors import is_loss
from db.milvus.shared_lock import Locks

logger = logging.getLogger(__name__)


class Connection:
    """Holds one client of Milvus, shared by all collections, and the locks that keep their work apart."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.locks = Locks()  # two threads writing at once destroy the write-ahead log of Lite
        self._is_away = self._has_answered = False
        self._connecting = threading.Lock()
        self._client: MilvusClient | None = None

    def client(self) -> MilvusClient:
        """Returns the one client, connecting first where that is due."""
        with self._connecting:
            if self._client is None:
                # What it logs it also raises; it sets its own level whenever it is imported.
                logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
                self._client = self.backend.connect()
            return self._client

    def close(self) -> None:
        """Closes the client and lets go of the files."""
        with self._connecting:
            client, self._client = self._client, None
        if client is not None:
            client.close()
        self.backend.release_files()

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turns what pymilvus and gRPC raise into one IndexUnavailable that says what to do."""
        try:
            yield
        except (MilvusException, grpc.RpcError, OSError) as error:
            logger.debug("%s failed: %s", self.backend.name, error)
            explained = self.backend.explain(error)
            if is_loss(error) and explained.message.code != "lite_damaged":  # whoever asked tells of that
                self._note_loss(explained)
            raise explained from error
        self._note_answer()

    def _note_loss(self, explained: Exception) -> None:
        """Logs one line, however many queries meet it. One that was never there is told by whoever asked for it."""
        if not self._is_away:
            logger.log(logging.WARNING if self._has_answered else logging.INFO, "Milvus is away: %s", explained)
        self._is_away = True

    def _note_answer(self) -> None:
        if self._is_away:
            logger.info("Milvus is back")
        self._is_away, self._has_answered = False, True
