"""Keeps the vectors of the meaningless texts under DATA_DIR, a file for each encoder."""

import hashlib
import logging
from io import BytesIO
from pathlib import Path

import numpy as np

from library.ports import EncoderInfo, Vectors
from library.running.atomic import write_atomically
from library.search.relevance import meaningless_texts

logger = logging.getLogger(__name__)


class KeptTextFiles:
    """Reads and writes one NumPy file for each encoder; texts or weights that have changed belong to another file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, encoder: EncoderInfo) -> Vectors | None:
        try:
            vectors = np.load(self._file(encoder), allow_pickle=False)
        except (OSError, ValueError, EOFError):  # not there yet, or cut off
            return None
        fits = vectors.shape == (len(meaningless_texts()), encoder.dim) and vectors.dtype == np.float32
        return vectors if fits and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3) else None

    def keep(self, encoder: EncoderInfo, vectors: Vectors) -> None:
        written = BytesIO()
        np.save(written, vectors, allow_pickle=False)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._file(encoder), [written.getvalue()])
        except OSError as error:
            logger.info("the vectors of the meaningless texts were not kept: %s", error)

    def _file(self, encoder: EncoderInfo) -> Path:
        known_by = [encoder.name, encoder.fingerprint, encoder.dtype, encoder.texts, *meaningless_texts()]
        return self._folder / f"{hashlib.sha256(repr(known_by).encode()).hexdigest()[:32]}.npy"
