"""Fills the disk and makes it read-only while pictures are added, on small file systems in memory."""

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.faults.backups import Restore
from benchmarks.faults.commands import Filled, Ingest
from benchmarks.faults.kills import begun, recovered
from benchmarks.faults.ledger import Verdict
from benchmarks.faults.place import ENDED_WITHIN, Failed, Place
from benchmarks.faults.results import Results

SIZE = 32 << 20
BLOCK = 4096
ENDS = (0, 1, 3)  # done, some files rejected, the disk out of reach
REFUSED = ("full", "Read-only", "read-only", "No space", "cannot use", "cannot write", "not writable")


def unavailable() -> str | None:
    """Returns why no file system can be mounted here; None where it can."""
    return None if os.geteuid() == 0 and shutil.which("mount") else "only the superuser can mount a file system"


def full(place: Place, chance: random.Random, trials: int) -> Results:
    """Leaves room for a part of what an import needs; room is made, and the import repeated."""
    results = Results(f"disk full during ingest, {place.backend}")
    with _mounted(place.data):
        operation = Ingest(place, chance)
        operation.set_up()
        needed = _needed(operation)
        for _ in range(trials):
            operation.trial += 1
            operation.prepare()
            place.data.mkdir(exist_ok=True)
            ballast = _fill(place.data, chance.uniform(0.02, 0.95) * needed)
            verdict = _broken(operation, begun(operation).wait(ENDED_WITHIN))
            ballast.unlink()
            results.add(*recovered(operation, verdict))
    return results


def full_backup(place: Place, chance: random.Random, trials: int) -> Results:
    """Leaves room for a part of what a backup needs; room is made, and the backup made and restored."""
    results = Results(f"disk full during backup, {place.backend}")
    with _mounted(place.folder / "disk"):
        operation = Restore(place, chance)
        operation.backup = place.folder / "disk" / "backup"
        Filled.set_up(operation)
        before = shutil.disk_usage(operation.backup.parent).free
        place.run("backup", str(operation.backup))
        needed = before - shutil.disk_usage(operation.backup.parent).free
        for _ in range(trials):
            operation.trial += 1
            shutil.rmtree(operation.backup)
            ballast = _fill(operation.backup.parent, chance.uniform(0.02, 0.95) * needed)
            verdict = _refused(place, operation.backup)
            ballast.unlink()
            place.run("backup", str(operation.backup))
            operation.prepare()
            results.add(*recovered(operation, verdict))
    return results


def _refused(place: Place, backup: Path) -> Verdict:
    ended = place.ended("backup", str(backup))
    wrong = [] if ended.returncode == 3 else [f"the backup ended with {ended.returncode}"]
    wrong += [] if "disk of the backup" in ended.stderr else [f"no reason was told: {ended.stderr[-200:]!r}"]
    wrong += ["something of the backup is left"] if any(backup.iterdir()) else []
    return Verdict(wrong=wrong)


def read_only(place: Place, chance: random.Random, trials: int) -> Results:
    """Makes the pictures' disk read-only in the middle of an import; it is writable again when that is repeated."""
    results = Results(f"disk read-only during ingest, {place.backend}")
    with _mounted(place.images):
        operation = Ingest(place, chance)
        operation.set_up()
        operation.prepare()
        started = time.monotonic()
        operation.wait(begun(operation))
        duration = time.monotonic() - started
        for _ in range(trials):
            operation.trial += 1
            operation.prepare()
            running = begun(operation)
            time.sleep(chance.uniform(0, duration))
            _remount(place.images, "ro")
            verdict = _broken(operation, running.wait(ENDED_WITHIN))
            _remount(place.images, "rw")
            results.add(*recovered(operation, verdict))
    return results


@contextmanager
def _mounted(folder: Path) -> Iterator[None]:
    if problem := unavailable():
        raise Failed(problem)
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def _remount(folder: Path, how: str) -> None:
    """Waits for a moment in which no file is being written, as the kernel wants it."""
    until = time.monotonic() + ENDED_WITHIN
    while subprocess.run(["mount", "-o", f"remount,{how}", folder], capture_output=True).returncode:
        if time.monotonic() > until:
            raise Failed(f"{folder} cannot be made {how}")


def _needed(operation: Ingest) -> int:
    """Returns the bytes that an import into an empty library takes."""
    before = shutil.disk_usage(operation.place.data).free
    operation.prepare()
    operation.wait(begun(operation))
    return before - shutil.disk_usage(operation.place.data).free


def _fill(folder: Path, left: float) -> Path:
    """Makes a file that fills the disk but for the given bytes, and returns it."""
    ballast = folder / "ballast"
    room = shutil.disk_usage(folder).free
    with ballast.open("wb") as file, suppress(OSError):
        for _ in range(max(0, int(room - left)) // BLOCK):
            file.write(bytes(BLOCK))
    return ballast


def _broken(operation: Ingest, code: int) -> Verdict:
    told = operation.out.read_text(errors="replace")
    wrong = [] if code in ENDS else [f"the command ended with {code}"]
    wrong += ["a traceback was printed"] if "Traceback" in told else []
    wrong += [f"no reason was told: {told[-200:]!r}"] if code == 3 and not any(word in told for word in REFUSED) else []
    return Verdict(wrong=wrong) + operation.promised()
