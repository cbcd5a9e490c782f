"""Keeps what people decided about near-duplicates: which pictures are distinct, and which were superseded."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from library.images import ContentId


class Decisions(Protocol):
    """Keeps the decisions about near-duplicates. Safe to call from several threads.

    What changes them raises StoreUnavailable where it cannot be kept.
    """

    def mark_distinct(self, ids: Sequence[ContentId], others: Sequence[ContentId]) -> None:
        """Notes that none of `ids` is a near-duplicate of any of `others`; both may be the same pictures."""
        ...

    def supersede(self, ids: Sequence[ContentId], kept: ContentId) -> None:
        """Notes that `kept` supersedes `ids`."""
        ...

    def are_distinct(self, one: ContentId, other: ContentId) -> bool:
        """Returns whether the two pictures were marked as distinct."""
        ...

    def kept_instead_of(self, id: ContentId) -> list[ContentId]:
        """Returns the picture that supersedes this one, then the one that supersedes that, and so on."""
        ...


class PassingDecisions:
    """Keeps decisions in memory, until the process ends."""

    def __init__(self) -> None:
        self._distinct: dict[ContentId, set[ContentId]] = defaultdict(set)
        self._kept: dict[ContentId, ContentId] = {}

    def mark_distinct(self, ids: Sequence[ContentId], others: Sequence[ContentId]) -> None:
        for id in ids:
            for other in others:
                if id != other:
                    self._distinct[id].add(other)
                    self._distinct[other].add(id)

    def supersede(self, ids: Sequence[ContentId], kept: ContentId) -> None:
        self._kept.pop(kept, None)  # superseded once, and chosen now
        self._kept |= {id: kept for id in ids if id != kept}

    def are_distinct(self, one: ContentId, other: ContentId) -> bool:
        return one in self._distinct and other in self._distinct[one]

    def kept_instead_of(self, id: ContentId) -> list[ContentId]:
        chain: list[ContentId] = []
        while kept := self._kept.get(id):
            chain.append(kept)
            id = kept
        return chain
