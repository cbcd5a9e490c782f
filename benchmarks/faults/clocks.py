"""Sets the clock by hours to years, with libfaketime, while pictures are added and deleted.

`python -m benchmarks.faults` starts this file as a process of its own: libfaketime is loaded as a program starts.
"""

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks.faults.commands import PICTURES, Ingest
from benchmarks.faults.kills import begun
from benchmarks.faults.ledger import Verdict, compare
from benchmarks.faults.place import ENDED_WITHIN, Place
from benchmarks.faults.results import Results

LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib*/faketime/libfaketimeMT.so.1")
DAY = 86_400
JUMPS = (3600, -3600, DAY, -DAY, 400 * DAY, -400 * DAY)
JUMPS_OF_A_DELETE = (3600, -3600, DAY, -DAY)  # further ones let the trash expire, which is what the clock then says
FAULT = "clock jumping"
# libfaketime refuses a short sleep now and then.
SLEEP = "import threading, time; time.sleep = lambda seconds: threading.Event().wait(seconds)"


def library() -> str | None:
    """Returns the path of libfaketime; None where it is not installed."""
    return next((str(path) for pattern in LIBRARIES for path in Path("/").glob(pattern.lstrip("/"))), None)


def jumping(place: Place, chance: random.Random, trials: int) -> Results:
    """Runs the trials from a process of its own, which fakes the clock of those that it starts."""
    if library() is None:
        return Results(f"{FAULT}: not measured, libfaketime is not installed")
    command = [sys.executable, "-m", "benchmarks.faults.clocks", str(place.folder), str(chance.random()), str(trials)]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        return Results(FAULT, 1, verdict=Verdict(wrong=[ended.stderr[-500:]]))
    found = json.loads(ended.stdout.splitlines()[-1])
    return Results(**found | {"verdict": Verdict(**found["verdict"])})


def _trials(folder: Path, chance: random.Random, trials: int) -> Results:
    place, clock = Place(folder), folder / "clock"
    clock.write_text("+0")
    place.first = SLEEP
    os.environ |= {
        "LD_PRELOAD": library() or "",
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    results = Results(FAULT)
    operation = Ingest(place, chance)
    operation.set_up()
    for _ in range(trials):
        operation.trial += 1
        operation.prepare()
        running = begun(operation)
        time.sleep(chance.uniform(0, 1))
        _jump(clock, chance.choice(JUMPS))
        code = running.wait(ENDED_WITHIN)
        verdict = Verdict(wrong=[f"the command ended with {code}: {operation.told()}"] if code not in (0, 1) else [])
        started = time.monotonic()
        operation.recover()
        seconds = time.monotonic() - started
        verdict += operation.verdict()
        results.add(verdict + _deleted(operation, clock, chance), seconds)
    return results


def _deleted(operation: Ingest, clock: Path, chance: random.Random) -> Verdict:
    """Deletes and restores with a jump between, after which the sweep of the trash may not have taken anything."""
    place, going = operation.place, list(operation.pictures)[: PICTURES // 2]
    place.run("delete", *going)
    _jump(clock, chance.choice(JUMPS_OF_A_DELETE))
    place.run("trash", "list")
    place.run("trash", "restore", "--all")
    return compare(place, operation.before | operation.pictures)


def _jump(clock: Path, seconds: int) -> None:
    """Moves the clock by writing the new offset to the file that libfaketime reads."""
    offset = int(clock.read_text()) + seconds
    fresh = clock.with_suffix(".new")
    fresh.write_text(f"{offset:+d}")
    fresh.replace(clock)


if __name__ == "__main__":
    print(json.dumps(asdict(_trials(Path(sys.argv[1]), random.Random(sys.argv[2]), int(sys.argv[3])))))
