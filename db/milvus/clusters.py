"""Decides how many clusters an index has, and how many of them a search looks into."""

import math
from dataclasses import dataclass

EXHAUSTIVE_ROWS = 20_000  # comparing with as many takes a few milliseconds
LITE_SEGMENT_ROWS = 63_000  # each segment of Lite has an index of its own
EVERY_CLUSTER = 65_536  # the most that Milvus takes; it cuts it to the clusters there are
MIN_NPROBE = 16


@dataclass(frozen=True)
class NlistRule:
    """Follows Milvus's own rule, 4 * sqrt(rows), as a power of two: four times the rows make twice the clusters.

    A collection that is searched whole anyway keeps the smallest. An index is rebuilt for more clusters and never for
    fewer: too many cost little, and so two processes can't undo each other's work.
    https://milvus.io/docs/performance_faq.md
    """

    smallest: int = 128
    largest: int = 4096
    exhaustive_rows: int = EXHAUSTIVE_ROWS

    def wanted(self, rows: int) -> int:
        if rows <= self.exhaustive_rows:
            return self.smallest
        power_of_two = 1 << (math.isqrt(16 * rows).bit_length() - 1)
        return max(self.smallest, min(power_of_two, self.largest))

    def outgrown(self, nlist: int, rows: int) -> bool:
        wanted = self.wanted(rows)
        return wanted > nlist and wanted >= 2 * (nlist - 1)  # a move to typed fields may have added one


def automatic_nprobe(rows: int, nlist: int) -> int:
    """Returns how many clusters a search looks into by itself: all of them while the collection is small."""
    return EVERY_CLUSTER if rows <= EXHAUSTIVE_ROWS else max(MIN_NPROBE, nlist // 8)
