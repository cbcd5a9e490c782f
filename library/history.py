"""What was taken in so far, run by run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

Outcome = Literal["done", "stopped", "failed"]


@dataclass(frozen=True)
class PastRun:
    at: str  # its beginning: ISO 8601, UTC
    source: str
    outcome: Outcome
    seconds: float
    counts: Mapping[str, int] = field(default_factory=dict)  # files by status
    problem: str | None = None

    @property
    def rate(self) -> float:
        """Files a second, without those that were not looked at."""
        done = sum(self.counts.values()) - self.counts.get("skipped", 0)
        return done / self.seconds if self.seconds else 0.0


class History(Protocol):
    """Never raises: a run whose line cannot be written is none the worse for it."""

    def add(self, run: PastRun) -> None: ...
    def newest(self, limit: int) -> list[PastRun]:
        """Newest first."""
        ...
