"""Holds the contract of whoever keeps the vectors of the meaningless texts, which cost seconds to encode."""

from typing import Protocol

from library.ports import EncoderInfo, Vectors


class KeptTexts(Protocol):
    """Keeps, for each encoder, the vectors of the meaningless texts. Safe to call from several threads."""

    def find(self, encoder: EncoderInfo) -> Vectors | None:
        """Returns the vectors; None where none are kept that fit. Never raises."""
        ...

    def keep(self, encoder: EncoderInfo, vectors: Vectors) -> None:
        """Keeps the vectors, where that can be done. Never raises: they can be encoded again."""
        ...


class NoKeptTexts:
    """Keeps nothing: the texts are encoded once in each process."""

    def find(self, encoder: EncoderInfo) -> Vectors | None:
        return None

    def keep(self, encoder: EncoderInfo, vectors: Vectors) -> None:
        return None
