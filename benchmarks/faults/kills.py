"""Kills the program with SIGKILL at moments spread over the whole of an operation, and starts it again."""

import random
import time
from abc import ABC, abstractmethod
from pathlib import Path

from benchmarks.faults.begun import program
from benchmarks.faults.ledger import Verdict
from benchmarks.faults.place import ENDED_WITHIN, Failed, Place
from benchmarks.faults.results import Results
from testing.program import ForkedProgram

TOO_LATE = 4  # attempts for each kill: an operation that ended before its kill is tried again
MOST_IN_A_ROW = 3  # kills, one of them in the recovery from another


class Operation(ABC):
    """Describes one operation that is killed: what it begins with, how it is started, and how a person recovers."""

    name: str
    begins: str  # module:Class.method
    first = ""  # code that the program runs before

    def __init__(self, place: Place, chance: random.Random) -> None:
        self.place = place
        self.chance = chance
        self.trial = 0

    @abstractmethod
    def set_up(self) -> None:
        """Makes the files that all trials share."""

    @abstractmethod
    def prepare(self) -> None:
        """Makes the library that one trial begins with."""

    @abstractmethod
    def arguments(self) -> list[str]:
        """Returns the command that is killed."""

    def promised(self) -> Verdict:
        """Compares what the killed program has reported as done with what is there."""
        return Verdict()

    @abstractmethod
    def recover(self) -> None:
        """Repeats what a person would do after the kill, until the work is done."""

    @abstractmethod
    def verdict(self) -> Verdict:
        """Compares the library with what it should be after the recovery."""

    def wait(self, running: ForkedProgram) -> None:
        """Waits until the operation is done, where it is not killed."""
        if running.wait(ENDED_WITHIN):
            raise Failed(f"{self.name} ended with {running.returncode}: {self.told()}")

    def told(self) -> str:
        return self.out.read_text(errors="replace").strip()[-300:]

    @property
    def out(self) -> Path:
        return self.place.folder / "out"


def tried(operation: Operation, kills: int, seconds: float | None = None) -> Results:
    """Kills an operation `count` times and returns the results; its duration is measured if not given."""
    results = Results(f"kill -9 of {operation.name}, {operation.place.backend}")
    operation.set_up()
    duration = seconds or _timed(operation)
    for _ in range(kills * TOO_LATE):
        if results.kills == kills:
            break
        operation.trial += 1
        operation.prepare()
        in_a_row = min(operation.chance.randint(1, MOST_IN_A_ROW), kills - results.kills)
        hits = sum(_killed(operation, operation.chance.uniform(0, duration)) for _ in range(in_a_row))
        if hits:
            # Every other time nothing looks before the recovery: looking opens the library, which may recover it.
            before = operation.promised() if operation.trial % 2 else Verdict()
            results.add(*recovered(operation, before), kills=hits)
        else:
            duration = max(0.8 * duration, 0.02)
    return results


def _timed(operation: Operation) -> float:
    """Returns the seconds that the operation takes from its beginning to its end."""
    operation.prepare()
    running = begun(operation)
    started = time.monotonic()
    operation.wait(running)
    seconds = time.monotonic() - started
    running.kill()
    return seconds


def _killed(operation: Operation, after: float) -> bool:
    """Kills the operation after the given seconds; returns False where it had already ended."""
    running = begun(operation)
    time.sleep(after)
    was_running = running.poll() is None
    running.kill()
    running.wait(ENDED_WITHIN)
    return was_running


def begun(operation: Operation) -> ForkedProgram:
    mark = operation.place.folder / "begun"
    mark.unlink(missing_ok=True)
    operation.out.unlink(missing_ok=True)
    code = ["-c", program(operation.begins, operation.first), *operation.arguments()]
    running = operation.place.started(code, operation.out, BEGUN=str(mark))
    until = time.monotonic() + ENDED_WITHIN
    while not mark.exists():
        if running.poll() is not None or time.monotonic() > until:
            running.kill()
            raise Failed(f"{operation.name} did not begin: {operation.told()}")
        time.sleep(0.001)
    return running


def recovered(operation: Operation, verdict: Verdict) -> tuple[Verdict, float | None]:
    """Recovers, and returns what was wrong before and after, and the seconds; None of these where it failed."""
    started = time.monotonic()
    try:
        operation.recover()
    except Failed as error:
        return verdict + Verdict(wrong=[str(error)]), None
    seconds = time.monotonic() - started
    return verdict + operation.verdict(), seconds
