"""Measures every table, each in a process of its own, and lists at the end the rows that were missed.

python -m benchmarks.all --photos FOLDER [--quick] [--only tower --only ingest] [--resume]
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.results import CACHE, MISSED, RESULTS, ROOT, TITLES, Cache, Photos, Quick, Results, commit, sections_of

WITH_PHOTOS = {"Accuracy", "Engines", "Families", "Ingest", "Peers", "Memory", "Page", "Preparing", "Relevance"}
WITHOUT_CACHE = {"Filters", "Lite", "Rows", "Startup"}


def main(
    photos: Photos,
    only: Annotated[list[str] | None, typer.Option(help="A table by its name; may be given several times.")] = None,
    resume: Annotated[bool, typer.Option(help="Leaves out what this commit has measured already.")] = False,
    quick: Quick = False,
    results: Results = RESULTS,
    cache: Cache = CACHE,
) -> None:
    if quick and results == RESULTS:
        results = Path(tempfile.gettempdir()) / "likeness-quick-results.md"
    wanted = [title for title in TITLES if not only or title.lower() in {name.lower() for name in only}]
    missing = [title for title in wanted if not (resume and is_done(title, results))]
    failed = [title for title in missing if not run(title, photos, quick, results, cache)]
    report(wanted, failed, results)
    raise SystemExit(1 if failed else 0)


def is_done(title: str, results: Path) -> bool:
    return measured(results).get(title, "").startswith(f"Measured at commit {commit()}.")


def run(title: str, photos: Path, quick: bool, results: Path, cache: Path) -> bool:
    command = [sys.executable, "-m", f"benchmarks.{title.lower()}", "--results", str(results.absolute())]
    command += ["--photos", str(photos.absolute())] if title in WITH_PHOTOS else []
    command += ["--cache", str(cache.absolute())] if title not in WITHOUT_CACHE else []
    command += ["--quick"] if quick else []
    started = time.monotonic()
    code = subprocess.run(command, cwd=ROOT).returncode
    print(f"{title}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return code == 0


def report(wanted: list[str], failed: list[str], results: Path) -> None:
    tables = measured(results)
    missed = [line for title in wanted for line in tables.get(title, "").splitlines() if MISSED in line]
    print(f"{len(missed)} rows missed; the tables are in {results}")
    print("\n".join(missed))
    if failed:
        print(f"Not measured: {', '.join(failed)}")


def measured(results: Path) -> dict[str, str]:
    return sections_of(results.read_text(encoding="utf-8")) if results.exists() else {}


if __name__ == "__main__":
    typer.run(main)
