"""Defines where the vectors of the meaningless texts are kept, since encoding them takes seconds."""

from typing import Protocol

from library.ports import EncoderInfo, Vectors


class KeptTexts(Protocol):
    """Keeps, for each encoder, the vectors of the meaningless texts. Safe to call from several threads."""

    def find(self, encoder: EncoderInfo) -> Vectors | None:
        """Returns the kept vectors of an encoder; None where none fit. Never raises."""
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
