"""Keeps the null model of each encoder's collection, from which confidence is computed, and renews it in time."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from library.errors import LikenessError, StoreUnavailable
from library.images import ContentId
from library.ports import Encoder, EncoderInfo, ImageStore, LoadedCollection, Vector, VectorDatabase, Vectors
from library.search.kept_texts import KeptTexts, NoKeptTexts
from library.search.relevance import FEWEST, NullModel, meaningless_texts, measured, sample_of

logger = logging.getLogger(__name__)

READ_AT_ONCE = 500  # rows
GROWTH = 1.25
LOOKED_AFTER = 5.0  # seconds: counting the pictures takes longer than judging hits
KEPT_FOR = 3600.0  # seconds: what another process deleted is gone by then


@dataclass(frozen=True)
class _KeptNullModel:
    null_model: NullModel
    paths: dict[ContentId, str]  # of the sample
    texts: Vectors
    pictures: int  # that the library had then
    since: float


class NullModels:
    """Keeps a null model for each encoder. Safe to call from several threads."""

    def __init__(
        self,
        store: ImageStore,
        database: VectorDatabase,
        clock: Callable[[], float] = time.monotonic,
        kept_texts: KeptTexts | None = None,
    ) -> None:
        self._store = store
        self._database = database
        self._kept_texts = kept_texts or NoKeptTexts()
        self._clock = clock
        self._kept: dict[EncoderInfo, _KeptNullModel] = {}
        self._changing = threading.Lock()
        self._measuring = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._look_again = clock()

    def of(self, encoder: Encoder) -> NullModel | None:
        """Returns the null model of an encoder without waiting. Where it is due, another one begins to be measured."""
        kept = self._kept.get(encoder.info)
        now = self._clock()
        if kept is None or now >= self._look_again:
            self._look_again = now + LOOKED_AFTER
            if self._is_due(kept):
                self.begin(encoder)
        return kept.null_model if kept else None

    def begin(self, encoder: Encoder) -> None:
        """Starts measuring on a thread of its own, one at a time."""
        with self._changing:
            if self._is_closed or (self._thread and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self.measure, args=[encoder], name="meaningless texts", daemon=True)
            self._thread.start()

    def measure(self, encoder: Encoder) -> None:
        """Measures a null model where it is due. What keeps it from that is logged: a search goes on without."""
        with self._measuring:
            kept = self._kept.get(encoder.info)
            if self._is_closed or not self._is_due(kept):
                return
            try:
                self._measure(encoder, kept)
            except LikenessError as error:
                logger.info("the null model was not measured: %s", error)

    def forget(self, ids: Collection[ContentId]) -> None:
        """Removes deleted pictures from the sample of every null model."""
        with self._changing:
            for info, kept in self._kept.items():
                self._kept[info] = replace(kept, null_model=kept.null_model.without(set(ids)))

    def close(self) -> None:
        """Waits for the measurement under way; no other begins."""
        with self._changing:
            self._is_closed = True
        if self._thread:
            self._thread.join()

    def _is_due(self, kept: _KeptNullModel | None) -> bool:
        with suppress(StoreUnavailable):
            pictures = self._store.count()
            if kept is None:
                return pictures >= FEWEST
            grown = not kept.pictures / GROWTH <= pictures <= kept.pictures * GROWTH
            return grown or self._clock() - kept.since > KEPT_FOR
        return False

    def _measure(self, encoder: Encoder, before: _KeptNullModel | None) -> None:
        started = time.monotonic()
        stored = self._store.ids()
        chosen = sample_of(stored)
        paths = self._paths(chosen, before.paths if before else {})
        texts = before.texts if before else self._encoded_texts(encoder)
        with self._database.collection(encoder.info).loaded() as index:
            vectors = _read(index, [paths[id] for id in chosen if id in paths])
            ids = [id for id in chosen if id in vectors]
            null_model = measured(index, ids, _stacked([vectors[id] for id in ids], encoder.info.dim), texts)
        with self._changing:
            deleted = set(ids) - set(self._store.ids())
            kept = _KeptNullModel(null_model.without(deleted), paths, texts, len(stored), self._clock())
            self._kept[encoder.info] = kept
        seconds = time.monotonic() - started
        logger.debug("the null model was measured with %d of %d pictures in %.2f s", len(ids), len(stored), seconds)

    def _encoded_texts(self, encoder: Encoder) -> Vectors:
        kept = self._kept_texts.find(encoder.info)
        if kept is not None:
            return kept
        encoded = encoder.encode_texts(meaningless_texts())
        self._kept_texts.keep(encoder.info, encoded)
        return encoded

    def _paths(self, ids: Sequence[ContentId], known: dict[ContentId, str]) -> dict[ContentId, str]:
        """Returns the path of each picture; reads only the records that are new."""
        records = self._store.find_all([id for id in ids if id not in known])
        found = {record.content_id: record.img_path for record in records}
        return {id: known.get(id) or found[id] for id in ids if id in known or id in found}


def _read(index: LoadedCollection, paths: Sequence[str]) -> dict[ContentId, Vector]:
    vectors: dict[ContentId, Vector] = {}
    for start in range(0, len(paths), READ_AT_ONCE):
        vectors |= index.vectors(paths[start : start + READ_AT_ONCE])
    return vectors


def _stacked(vectors: Sequence[Vector], dim: int) -> Vectors:
    return np.array(vectors, dtype=np.float32).reshape(len(vectors), dim)
