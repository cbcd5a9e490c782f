"""Measures imports and a text query beside those of an earlier version of this project, by turns.

python -m benchmarks.versions --photos FOLDER [--before COMMIT]
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from benchmarks.fixtures import temporary_folder
from benchmarks.results import CACHE, RESULTS, ROOT, Cache, Photos, Quick, Results, Row, Table, per_second, publish

INSIDE = Path(__file__).with_name("inside_version.py")
BEFORE = "58a2aee"  # the last one before the modules moved, and before the second engine
IDLE = 0.5  # seconds after which the threads of the other version no longer wait busily
QUICKER = {"small": 1.6, "large": 1.35, "text": None}


class Sizes(NamedTuple):
    small: int = 192
    large: int = 48
    rows: int = 30_000
    rounds: int = 5


QUICK = Sizes(small=48, large=8, rows=1_000, rounds=1)


class Version:
    """Runs a version of this project, one piece of work at a time, in its own process and folder."""

    def __init__(self, folder: Path, cache: Path, photos: Path, sizes: Sizes) -> None:
        command = [sys.executable, INSIDE, cache, photos, *sizes[:3]]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([*map(str, command)], cwd=folder, stdin=pipe, stdout=pipe, text=True)
        self._next()

    def measure(self, work: str) -> float:
        time.sleep(IDLE)
        assert self._process.stdin
        self._process.stdin.write(f"{work}\n")
        self._process.stdin.flush()
        return float(self._next())

    def end(self) -> None:
        self._process.communicate()

    def _next(self) -> str | float:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the other version ended early; see above"
        answer: str | float = json.loads(line)
        return answer


def main(
    photos: Photos,
    before: Annotated[str, typer.Option(help="The commit to compare with.")] = BEFORE,
    quick: Quick = False,
    results: Results = RESULTS,
    cache: Cache = CACHE,
) -> None:
    sizes = QUICK if quick else Sizes()
    found: dict[str, list[tuple[float, float]]] = {work: [] for work in QUICKER}
    with checkout(before) as folder:
        now, then = (Version(each, cache.absolute(), photos.absolute(), sizes) for each in (ROOT, folder))
        for number in range(sizes.rounds + 1):
            for work, figures in found.items():
                pair = by_turns(now, then, work, number)
                if number:  # the first warms up
                    figures.append(pair)
        now.end()
        then.end()
    publish(Table("Versions", [row(work, figures, before, sizes) for work, figures in found.items()]), results, quick)


def by_turns(now: Version, then: Version, work: str, number: int) -> tuple[float, float]:
    if number % 2:
        first = now.measure(work)
        return first, then.measure(work)
    first = then.measure(work)
    return now.measure(work), first


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """Yields a folder with the files of a commit."""
    with temporary_folder() as folder:
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        yield folder


def row(work: str, figures: list[tuple[float, float]], before: str, sizes: Sizes) -> Row:
    """Returns a row whose ratio is the median of the rounds' ratios: above 1 is quicker than before."""
    now, then = (statistics.median(each) for each in zip(*figures, strict=True))
    if work == "text":
        ratio = statistics.median(other / own for own, other in figures)
        return Row(f"text query, {sizes.rows:,} rows on Lite", f"{now:.1f} ms", before, f"{then:.1f} ms", ratio)
    ratio = statistics.median(own / other for own, other in figures)
    name = "ingest of 500x375 JPEGs" if work == "small" else "ingest of 12-megapixel JPEGs"
    return Row(name, per_second(now), before, per_second(then), ratio, QUICKER[work])


if __name__ == "__main__":
    typer.run(main)
