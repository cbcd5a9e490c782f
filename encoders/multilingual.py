"""Encodes texts with a tower of sentence-transformers that was taught the space of a CLIP's image tower.

For instance sentence-transformers/clip-ViT-B-32-multilingual-v1, made for openai/clip-vit-base-patch32: Reimers and
Gurevych, Making Monolingual Sentence Embeddings Multilingual using Knowledge Distillation, EMNLP 2020.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from encoders.vectors import on_all_cores, unit_rows
from library.errors import UnknownModel
from library.ports import Vectors


class SentenceTexts:
    """Encodes texts with a tower of sentence-transformers."""

    multilingual = True

    def __init__(self, name: str, model: Any) -> None:
        self.name = name
        self._model = model

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encodes texts as unit vectors; the end of a text beyond the context is left out."""
        on_all_cores()
        with torch.inference_mode():
            found = self._model.encode(list(texts), convert_to_tensor=True, show_progress_bar=False)
        return unit_rows(found)

    def cuts(self, text: str) -> bool:
        """Returns whether the text is longer than the tower reads."""
        return bool(len(self._model.tokenizer(text, verbose=False)["input_ids"]) > self._model.max_seq_length)


def load_multilingual(place: Path | str, name: str, device: str, local_files_only: bool = False) -> SentenceTexts:
    """Loads a text tower. Raises UnknownModel where sentence-transformers is missing, else what that raises itself."""
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise UnknownModel("text_model_needs_package", name=name) from None

    model = SentenceTransformer(str(place), device=device, local_files_only=local_files_only)
    shown = place.name if isinstance(place, Path) else name
    return SentenceTexts(shown, model.eval())
