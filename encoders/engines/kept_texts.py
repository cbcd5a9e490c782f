"""Reads texts with what an earlier process has kept of a model, without torch and transformers, which take seconds."""

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from glob import glob
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders.engines.kept import KeptTowers
from encoders.engines.machine import machine
from encoders.engines.onnx_tower import OnnxTower
from encoders.fingerprints import folder_fingerprint
from encoders.model_folders import SMALL, SMALL_TEXTS
from library.models import display_name
from library.ports import Encoder, EncoderInfo, Vectors

logger = logging.getLogger(__name__)

BATCH = 8
Load = Callable[[], Encoder]

GPUS = ("/dev/nvidia[0-9]*", "/dev/dri/renderD*", "/dev/kfd")


def kept_note(model: str, engine: str, device: str, dtype: str, text_model: str) -> str:
    """Returns the name of the note that says how texts are read for these settings on this machine.

    It changes with the name of the model, since the same weights may have several, with the devices that `auto` chooses
    among, and with the bundled tower for texts, which is no part of the fingerprint of its model.
    """
    texts = folder_fingerprint(SMALL_TEXTS) if model == SMALL and not text_model else text_model
    gpus = sorted(path for each in GPUS for path in glob(each))
    told = [machine(), gpus, engine, device, dtype, texts, display_name(model)]
    return f"reading-{hashlib.sha256(repr(told).encode()).hexdigest()[:24]}"


class KeptTokenizer:
    """Splits texts into tokens by a file of `tokenizers`, which says how they are padded and cut."""

    def __init__(self, file: Path, is_lower: bool) -> None:
        """Raises what `tokenizers` raises for a file that it cannot read."""
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(file))
        self._whole: Any = Tokenizer.from_file(str(file))
        self._whole.no_truncation()
        self._whole.no_padding()
        self._is_lower = is_lower

    def tokens(self, texts: Sequence[str]) -> dict[str, NDArray[np.int64]]:
        """Returns the inputs of a tower by their names in transformers, each of shape (n, length)."""
        found = self._tokenizer.encode_batch([text.lower() for text in texts] if self._is_lower else list(texts))
        parts = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
        return {name: np.array([getattr(each, part) for each in found], np.int64) for name, part in parts.items()}

    def length(self, text: str) -> int:
        """Returns how many tokens the whole text has."""
        return len(self._whole.encode(text).ids)


class KeptTextEncoder:
    """Encodes texts by a kept tower; the whole model is loaded when a picture is to be encoded."""

    def __init__(self, info: EncoderInfo, note: Mapping[str, Any], folder: Path, tower: Path, load: Load) -> None:
        """Raises KeyError, TypeError, OSError or what `tokenizers` raises for what was not kept whole."""
        self.info = info
        self._context = int(note["context"])
        self._tokenizer = KeptTokenizer(folder / str(note["tokenizer"]), bool(note["lower"]))
        self._threads = int(note["threads"])
        self._file = tower
        self._load = load
        self._making = threading.Lock()
        self._tower: OnnxTower | None = None
        self._whole: Encoder | None = None

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Encodes pictures by the whole model, which is loaded first."""
        return self._all().encode_images(images)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Encodes texts as float32 unit vectors, shape (n, dim); the end of a text beyond the context is left out."""
        try:
            tower = self._texts()
        except Exception as error:  # of an engine that is not installed whole, or a file that it cannot read
            logger.warning("torch reads the texts: %s", error)
            return self._all().encode_texts(texts)
        batches = [tower(self._tokenizer.tokens(texts[start : start + BATCH])) for start in range(0, len(texts), BATCH)]
        return np.concatenate([np.empty((0, self.info.dim), np.float32), *batches])

    def cuts(self, text: str) -> bool:
        """Returns whether the text is longer than the tower reads."""
        return self._tokenizer.length(text) > self._context

    def _texts(self) -> OnnxTower:
        with self._making:
            if self._tower is None:
                self._tower = OnnxTower(self._file, self._threads)
            return self._tower

    def _all(self) -> Encoder:
        with self._making:
            if self._whole is None:
                self._whole = self._load()
            return self._whole


def open_kept(fingerprint: str, note_name: str, home: Path, load: Load) -> KeptTextEncoder | None:
    """Returns an encoder of the model with that fingerprint; None where nothing was kept of it, or not whole."""
    kept = KeptTowers(home, fingerprint)
    note = kept.note(note_name)
    if note is None:
        return None
    try:
        tower = kept.whole(str(note["texts"]))
        if tower is None:
            return None
        encoder = KeptTextEncoder(EncoderInfo(**note["info"]), note, kept.folder, tower, load)
    except Exception as error:  # of a note of another version, or a file cut short
        logger.debug("what was kept of a model is not used: %s", error)
        return None
    logger.info("model %s is ready: %d-d, its texts read as they were kept", encoder.info.name, encoder.info.dim)
    return encoder
