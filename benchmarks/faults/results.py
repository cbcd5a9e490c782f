"""Collects the results of the trials of each fault, and prints the table."""

import statistics
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.faults.ledger import Verdict

HEADINGS = ["fault", "trials", "lost", "doubled", "wrong", "seconds to recover: median", "max"]


@dataclass
class Results:
    """Counts the trials of one fault."""

    fault: str
    trials: int = 0
    kills: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    recoveries: list[float] = field(default_factory=list)

    def add(self, verdict: Verdict, seconds: float | None, kills: int = 0) -> None:
        """Counts a recovery, from one fault or from several kills in a row."""
        self.trials += kills or 1
        self.kills += kills
        self.verdict += verdict
        if seconds is not None:
            self.recoveries.append(seconds)

    @property
    def is_good(self) -> bool:
        return self.verdict.is_good

    @property
    def cells(self) -> list[str]:
        median, most = (f(self.recoveries) if self.recoveries else 0.0 for f in (statistics.median, max))
        found = self.verdict
        counts = map(str, [self.trials, found.lost, found.doubled, len(found.wrong)])
        return [self.fault, *counts, f"{median:.1f}", f"{most:.1f}"]

    @property
    def details(self) -> list[str]:
        """Returns what was wrong, and how often."""
        return [f"{self.fault}: {what} ({count})" for what, count in Counter(self.verdict.wrong).items()]


def print_heading() -> None:
    print_line(HEADINGS)
    print_line(["---", *["---:"] * (len(HEADINGS) - 1)])


def print_line(cells: list[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)
