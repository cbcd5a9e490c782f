"""Keeps how a loaded model reads texts, for processes that answer a text without torch and transformers."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from encoders.clip import ClipEncoder
from encoders.engines.eight_bits import EightBits
from encoders.engines.kept import KeptTowers
from encoders.engines.kept_texts import KeptTokenizer
from encoders.engines.machine import CORES
from encoders.engines.towers import TEXTS, NotPossible, Way, text_tower
from encoders.texts import TransformersTexts

logger = logging.getLogger(__name__)

TO_COMPARE = (
    *TEXTS,
    "",
    " A RED  Circle. ",
    "빨간 원",
    "海邊的兩隻狗",
    "naïve café, 3×4 & <more>",
    "one word after another " * 40,
)


def keep_texts(encoder: ClipEncoder, kept: KeptTowers, bits: EightBits, note: str, way: Way) -> None:
    """Keeps what reads the texts of a model in that way, unless other tokens would come of it.

    Raises OSError, and NotPossible for a tower that cannot be converted.
    """
    texts = encoder.texts
    if not (isinstance(texts, TransformersTexts) and way.engine == "onnx"):
        return
    tower = text_tower(texts, kept, bits)
    tower.by(way)
    tokenizer = _tokenizer_file(texts, kept, tower.kept_name)
    if tokenizer is None:
        logger.info("texts are read by transformers alone: its tokenizer is none of tokenizers")
        return
    kept.keep_note(note, _note(encoder, texts, tower.file_name(way.precision), tokenizer.name, way))


def keep_exact_texts(encoder: ClipEncoder, kept: KeptTowers, note: str) -> None:
    """Keeps the tower for texts in float32, where torch computes it in that: nobody waits for torch to answer one."""
    if kept.note(note) is None:
        try:
            keep_texts(encoder, kept, EightBits(), note, Way("onnx", "float32", CORES))
        except (OSError, NotPossible) as error:
            logger.info("texts are read by torch alone: %s", error)


def _note(encoder: ClipEncoder, texts: TransformersTexts, tower: str, tokenizer: str, way: Way) -> dict[str, Any]:
    return {
        "info": asdict(encoder.info),
        "texts": tower,
        "threads": way.threads,
        "tokenizer": tokenizer,
        "lower": texts.is_padded_fully,
        "context": texts.context,
    }


def _tokenizer_file(texts: TransformersTexts, kept: KeptTowers, name: str) -> Path | None:
    """Writes the tokenizer as transformers has set it up; None where the file would not split texts alike."""
    backend = getattr(texts.tokenizer, "backend_tokenizer", None)
    if backend is None:
        return None
    expected = texts.tokens(TO_COMPARE)  # which also tells the tokenizer how to pad and cut
    file = kept.keep_text(f"{name}-tokenizer", backend.to_str())
    found = KeptTokenizer(file, texts.is_padded_fully).tokens(TO_COMPARE)
    alike = all(part in found and np.array_equal(found[part], each.numpy()) for part, each in expected.items())
    return file if alike else None
