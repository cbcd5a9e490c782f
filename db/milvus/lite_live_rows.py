"""Keeps which rows of Milvus Lite's segments are live, so that no search has to look at each of them again."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


class LiveRows:
    """Keeps which rows of a collection are live: not replaced by a later row, and not deleted.

    A row is live where no row of the same key has a larger sequence number, and no deletion of the key has. Segments
    never change, so that what is found for some of them stays right until there are others, or other deletions.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._segments: tuple[Any, ...] = ()
        self._deletions: Mapping[Any, int] = {}
        self._masks: list[Mask] = []

    def of(self, segments: Sequence[Any], deletions: Mapping[Any, int], newer: "Newer") -> list[Mask]:
        """Returns a mask for each segment, in its order, which is not to be changed.

        `deletions` holds the sequence numbers of those that were flushed, `newer` what was not.
        """
        with self._lock:
            if not _is_same(self._segments, segments) or self._deletions != deletions:
                self._masks = _masks(segments, deletions)
                self._segments, self._deletions = tuple(segments), deletions
            masks = self._masks
        return newer.taken_out_of(segments, masks)


class Newer:
    """Holds the rows and the deletions that were not flushed into a segment yet."""

    def __init__(self, keys: Sequence[Any], numbers: NDArray[np.uint64], deletions: Mapping[Any, tuple[int, str]]):
        self.keys = keys
        self._numbers = [int(number) for number in numbers]
        self._deletions = {key: number for key, (number, _) in deletions.items()}

    def taken_out_of(self, segments: Sequence[Any], masks: Sequence[Mask]) -> list[Mask]:
        """Returns the masks without the rows that these rows or deletions have replaced."""
        left = list(masks)
        for place, segment in enumerate(segments):
            replaced = [
                row
                for key, number in self._all()
                if (row := segment.pk_to_row.get(key)) is not None and number > segment.seqs[row]
            ]
            if replaced:
                left[place] = left[place].copy()
                left[place][replaced] = False
        return left

    def live(self, segments: Sequence[Any], deletions: Mapping[Any, int]) -> Mask:
        """Returns which of these rows themselves are live, beside the segments and what was deleted."""
        return np.array([self._is_live(*row, segments, deletions) for row in self._rows()], dtype=bool)

    def _is_live(self, key: Any, number: int, segments: Sequence[Any], deletions: Mapping[Any, int]) -> bool:
        if max(deletions.get(key, -1), self._deletions.get(key, -1)) > number:
            return False
        rows = ((segment, segment.pk_to_row.get(key)) for segment in segments)
        return not any(row is not None and segment.seqs[row] > number for segment, row in rows)

    def _rows(self) -> Iterable[tuple[Any, int]]:
        return zip(self.keys, self._numbers, strict=True)

    def _all(self) -> Iterable[tuple[Any, int]]:
        yield from self._rows()
        yield from self._deletions.items()


def _is_same(kept: Sequence[Any], given: Sequence[Any]) -> bool:
    return len(kept) == len(given) and all(old is new for old, new in zip(kept, given, strict=True))


def _masks(segments: Sequence[Any], deletions: Mapping[Any, int]) -> list[Mask]:
    masks = [np.ones(segment.num_rows, dtype=bool) for segment in segments]
    for mask, segment in zip(masks, segments, strict=True):
        for key in deletions.keys() & segment.pk_to_row.keys():
            row = segment.pk_to_row[key]
            mask[row] &= deletions[key] <= segment.seqs[row]
    for (mask, segment), (other_mask, other) in combinations(zip(masks, segments, strict=True), 2):
        for key in segment.pk_to_row.keys() & other.pk_to_row.keys():
            row, other_row = segment.pk_to_row[key], other.pk_to_row[key]
            mask[row] &= segment.seqs[row] >= other.seqs[other_row]
            other_mask[other_row] &= other.seqs[other_row] >= segment.seqs[row]
    return masks
