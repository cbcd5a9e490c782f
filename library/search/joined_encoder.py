"""Encodes texts and pictures of searches that run at the same time in one batch."""

from collections.abc import Callable, Sequence
from itertools import chain, islice
from typing import TypeVar

import numpy as np
from PIL import Image

from library.ports import Encoder, EncoderInfo, Vectors
from library.running.together import Together

T = TypeVar("T")

PICTURES = 8  # searches: their pictures, a few each, are never as many as those that an engine is fitted to
TEXTS = 64


class JoinedEncoder:
    """Encodes as the encoder that it is made for, together with whoever asks for the same encoder meanwhile."""

    def __init__(self, encoder: Encoder, together: Together) -> None:
        self._encoder = encoder
        self._together = together

    @property
    def info(self) -> EncoderInfo:
        return self._encoder.info

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Returns a vector for each picture."""
        return self._joined("images", images, self._encoder.encode_images, PICTURES)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Returns a vector for each text."""
        return self._joined("texts", texts, self._texts_by_length, TEXTS)

    def cuts(self, text: str) -> bool:
        """Returns whether the text is longer than the tower reads."""
        return self._encoder.cuts(text)

    def _joined(self, tower: str, inputs: Sequence[T], encode: Callable[[Sequence[T]], Vectors], most: int) -> Vectors:
        def encode_all(several: Sequence[Sequence[T]]) -> list[Vectors]:
            vectors = iter(encode(list(chain.from_iterable(several))))
            return [np.stack(list(islice(vectors, len(each)))) for each in several]

        return self._together.ask((id(self._encoder), tower), inputs, encode_all, most)

    def _texts_by_length(self, texts: Sequence[str]) -> Vectors:
        """Encodes texts of like length beside each other, since a tower pads those of one batch to the longest."""
        order = np.argsort([len(text) for text in texts], kind="stable")
        vectors = self._encoder.encode_texts([texts[place] for place in order])
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        ordered: Vectors = vectors[back]
        return ordered
