"""Describes what became of each file of an import."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from library.images import ContentId
from library.messages import Message

Status = Literal["new", "updated", "duplicate", "rejected", "skipped"]
STATUSES: tuple[Status, ...] = ("new", "updated", "duplicate", "rejected", "skipped")


@dataclass(frozen=True)
class FileReceipt:
    """Says what became of one file, and why.

    `may_retry` marks a file that was rejected for a reason that does not lie in the picture: the same file may be
    accepted later.
    """

    path: str
    status: Status
    content_id: ContentId | None = None
    reason: Message | None = None
    near_duplicate_of: ContentId | None = None
    may_retry: bool = False

    def as_json(self) -> dict[str, Any]:
        """Returns the receipt as programs read it, with the reason in English; `may_retry` is not part of it."""
        found = {name: getattr(self, name) for name in RECEIPT_FIELDS}
        return found | {"reason": str(self.reason) if self.reason else None}


RECEIPT_FIELDS = ("path", "status", "content_id", "reason", "near_duplicate_of")  # in files and in JSON


def tally(receipts: Iterable[FileReceipt]) -> dict[Status, int]:
    """Counts the receipts by their status; every status has a count."""
    counts = Counter(receipt.status for receipt in receipts)
    return {status: counts[status] for status in STATUSES}
