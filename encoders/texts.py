"""Encodes texts as unit vectors: the text side of a model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch

from encoders.vectors import on_all_cores, unit_rows
from library.ports import Vectors

FULL_LENGTH = ("siglip", "siglip2")  # trained on texts in lower case, padded to the full length
MANY_LANGUAGES = 100_000  # pieces of words: those of English models are some 50,000 and fewer
SHIFTED = ("altclip_text_model",)  # as in RoBERTa, positions are counted from behind the padding's own


class TextTower(Protocol):
    """Encodes texts. Safe to call from several threads."""

    @property
    def name(self) -> str: ...
    @property
    def multilingual(self) -> bool:
        """Tells whether the tower reads more languages than English."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encodes texts as unit vectors; the end of a text beyond the context is left out."""
        ...

    def cuts(self, text: str) -> bool:
        """Returns whether the text is longer than the tower reads."""
        ...


class TransformersTexts:
    """Encodes texts with transformers; `features` computes a tensor of shape (n, dim) from the model and tokens."""

    def __init__(
        self,
        name: str,
        model: Any,
        features: Callable[..., torch.Tensor],
        tokenizer: Any,
        config: Any,
        family: str,
        multilingual: bool = False,
        kept_name: str = "texts",
    ) -> None:
        """Takes the parts of a tower; `kept_name` is what its converted files are called beside the model's others."""
        self.name = name
        self.kept_name = kept_name
        self.model = model
        self.features = features
        self.tokenizer = tokenizer
        self.is_padded_fully = family in FULL_LENGTH
        self.context = context_of(tokenizer, config)
        self._compute: Callable[[Mapping[str, torch.Tensor]], Vectors] = self._by_torch
        self.multilingual = multilingual or config.vocab_size >= MANY_LANGUAGES

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encodes texts as unit vectors; the end of a text beyond the context is left out."""
        return self._compute(self.tokens(texts))

    def compute_by(self, compute: Callable[[Mapping[str, torch.Tensor]], Vectors]) -> None:
        """Computes the tower in another way than by torch from the next call on."""
        self._compute = compute

    def tokens(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Splits texts into the tokens that the tower was trained on."""
        tokens = self.tokenizer(
            [text.lower() for text in texts] if self.is_padded_fully else list(texts),
            padding="max_length" if self.is_padded_fully else True,
            truncation=True,
            max_length=self.context,
            return_tensors="pt",
        )
        return dict(tokens)

    def vectors(self, tokens: Mapping[str, torch.Tensor], model: Any) -> Vectors:
        """Computes tokens with this tower's model, or with a copy of it on another device."""
        placed = {name: each.to(model.device) for name, each in tokens.items()}
        with torch.inference_mode():
            return unit_rows(self.features(model, **placed))

    def _by_torch(self, tokens: Mapping[str, torch.Tensor]) -> Vectors:
        on_all_cores()
        return self.vectors(tokens, self.model)

    def cuts(self, text: str) -> bool:
        """Returns whether the text is longer than the tower reads."""
        return bool(len(self.tokenizer(text, verbose=False)["input_ids"]) > self.context)


def context_of(tokenizer: Any, config: Any) -> int:
    """Returns how many tokens of a text the tower reads."""
    positions = config.max_position_embeddings
    if config.model_type in SHIFTED:
        positions -= config.pad_token_id + 1
    return int(min(positions, tokenizer.model_max_length))
