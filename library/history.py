"""Keeps what was imported so far, run by run."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Protocol

from library.errors import UNEXPECTED, LikenessError
from library.ingest.receipts import FileReceipt
from library.messages import Message
from library.texts import encodable
from library.times import iso_utc

Outcome = Literal["done", "stopped", "failed"]
OUTCOMES = ("done", "stopped", "failed")


@dataclass(frozen=True)
class PastRun:
    """Tells of one import: when it began, from where, and what came of it."""

    at: str  # its beginning: ISO 8601, UTC
    source: str
    outcome: Outcome
    seconds: float
    counts: Mapping[str, int] = field(default_factory=dict)  # files by status
    problem: Message | str | None = None  # a text where an earlier version has written it

    @property
    def rate(self) -> float:
        """Returns files a second, without those that were not looked at."""
        done = sum(self.counts.values()) - self.counts.get("skipped", 0)
        return done / self.seconds if self.seconds else 0.0


class History(Protocol):
    """Keeps past runs. Never raises: a run whose line cannot be written is none the worse for it."""

    def add(self, run: PastRun) -> None:
        """Adds a run as the newest."""
        ...

    def newest(self, limit: int) -> list[PastRun]:
        """Returns the latest runs, newest first."""
        ...


class NoHistory:
    """Forgets every run at once."""

    def add(self, run: PastRun) -> None:
        """Does nothing."""

    def newest(self, limit: int) -> list[PastRun]:
        """Returns no run."""
        return []


def noted(
    history: History, receipts: Iterator[FileReceipt], source: str, was_interrupted: Callable[[int], bool]
) -> Iterator[FileReceipt]:
    """Passes the receipts on and adds the run to the history; `was_interrupted` gets the number of skipped files."""
    began, started = datetime.now(UTC), time.monotonic()
    counts: dict[str, int] = {}
    outcome: Outcome = "stopped"
    problem: Message | None = None
    try:
        for receipt in receipts:
            counts[receipt.status] = counts.get(receipt.status, 0) + 1
            yield receipt
        outcome = "stopped" if was_interrupted(counts.get("skipped", 0)) else "done"
    except Exception as error:
        outcome, problem = "failed", error.message if isinstance(error, LikenessError) else UNEXPECTED
        raise
    finally:
        if counts or problem:
            seconds = round(time.monotonic() - started, 3)
            at = iso_utc(began, "seconds")
            history.add(PastRun(at, encodable(source), outcome, seconds, counts, problem))
