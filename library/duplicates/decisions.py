"""What people said of near-duplicates: which pictures are apart for good, and which were given up for another."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from library.images import ContentId


class Decisions(Protocol):
    """Safe to call from several threads. What changes them raises StoreUnavailable where it cannot be kept."""

    def mark_distinct(self, ids: Sequence[ContentId], others: Sequence[ContentId]) -> None:
        """None of `ids` is a near-duplicate of any of `others`; both may be the same pictures."""
        ...

    def supersede(self, ids: Sequence[ContentId], kept: ContentId) -> None: ...
    def are_apart(self, one: ContentId, other: ContentId) -> bool: ...
    def kept_instead_of(self, id: ContentId) -> list[ContentId]:
        """What was kept instead of this picture, then what was kept instead of that, and so on."""
        ...


class PassingDecisions:
    """They are forgotten with the process."""

    def __init__(self) -> None:
        self._apart: dict[ContentId, set[ContentId]] = defaultdict(set)
        self._kept: dict[ContentId, ContentId] = {}

    def mark_distinct(self, ids: Sequence[ContentId], others: Sequence[ContentId]) -> None:
        for id in ids:
            for other in others:
                if id != other:
                    self._apart[id].add(other)
                    self._apart[other].add(id)

    def supersede(self, ids: Sequence[ContentId], kept: ContentId) -> None:
        self._kept.pop(kept, None)  # given up once, and chosen now
        self._kept |= {id: kept for id in ids if id != kept}

    def are_apart(self, one: ContentId, other: ContentId) -> bool:
        return one in self._apart and other in self._apart[one]

    def kept_instead_of(self, id: ContentId) -> list[ContentId]:
        chain: list[ContentId] = []
        while kept := self._kept.get(id):
            chain.append(kept)
            id = kept
        return chain
