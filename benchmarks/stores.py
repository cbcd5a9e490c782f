"""Measures recall against time on Milvus Lite as the app uses it, LanceDB, sqlite-vec, zvec and USearch.

python -m benchmarks.stores [--rows 30000,200000,1000000]
"""

import json
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.fixtures import temporary_folder
from benchmarks.results import CACHE, RESULTS, ROOT, Cache, Quick, Results, Row, Table, publish, readable
from benchmarks.topics import BATCH, DIM, Topics, nearest
from db.milvus.clusters import NlistRule

INSIDE = Path(__file__).with_name("inside_store.py")
PACKAGES = ("lancedb", "apsw", "sqlite-vec", "zvec", "usearch")
OURS = "milvus_lite"
PROBES = (2, 4, 8, 16, 32, 64, 128)
CANDIDATES = (10, 20, 40, 80, 160, 320, 640)
EFFORTS = {OURS: (*PROBES, 0), "lancedb": PROBES, "sqlite_vec": (0,), "zvec": CANDIDATES, "usearch": CANDIDATES}
ENOUGH = 0.99
NOTES = [
    "Vectors of 512 numbers in 1,000 overlapping topics, 10 hits, one query after the other, medians; each store in a "
    "process of its own, all with cosine and float32. Each row takes the least effort at which at least 0.99 of the "
    "ten nearest are found (the most there is where none does). IVF has the clusters that the app chooses, HNSW 16 "
    "neighbours and 128 candidates while the graph is made. An answer of ours has the whole record of each picture, "
    "those of the others only numbers; USearch is an index in memory, not a store.",
]


@dataclass(frozen=True)
class Measured:
    """Holds what a store took for one effort: the median of a query in milliseconds, and the share of hits found."""

    effort: int
    milliseconds: float
    recall: float


@dataclass(frozen=True)
class Store:
    """Holds all that was measured of a store of one size; filling is in seconds."""

    name: str
    seconds: float
    bytes: int
    measured: Sequence[Measured]

    @property
    def best(self) -> Measured:
        enough = [each for each in self.measured if each.recall >= ENOUGH]
        if enough:
            return min(enough, key=lambda each: each.milliseconds)
        return max(self.measured, key=lambda each: each.recall)

    def __str__(self) -> str:
        best = self.best
        effort = f" at {best.effort}" if best.effort else ""
        return f"{self.name}{effort}, recall {best.recall:.3f}, filled in {readable(self.seconds)} s"


def main(
    rows: Annotated[str, typer.Option(help="Numbers of vectors.")] = "30000,200000,1000000",
    queries: int = 200,
    quick: Quick = False,
    results: Results = RESULTS,
    cache: Cache = CACHE,
) -> None:
    sizes = [2_000] if quick else [int(each) for each in rows.split(",")]
    python = environment(cache)
    table = [row for size in sizes for row in rows_of(size, 20 if quick else queries, python)]
    publish(Table("Stores", table, NOTES), results, quick)


def rows_of(size: int, queries: int, python: Path) -> list[Row]:
    with temporary_folder() as folder:
        save_vectors(folder, size, queries)
        stores = [measured(name, folder, size, python) for name in EFFORTS]
    for store in stores:
        print(f"{size:,} rows, {store}, {store.bytes / 1e6:,.0f} MB", file=sys.stderr)
        for each in store.measured:
            print(f"  {each.effort:4} {each.milliseconds:8.2f} ms {each.recall:.3f}", file=sys.stderr, flush=True)
    ours, *others = stores
    return [row(size, ours, other) for other in others]


def row(size: int, ours: Store, other: Store) -> Row:
    ratio = other.best.milliseconds / ours.best.milliseconds
    times = [f"{readable(each.best.milliseconds)} ms" for each in (ours, other)]
    return Row(f"{size:,} rows: {ours}", times[0], str(other), times[1], ratio)


def save_vectors(folder: Path, size: int, queries: int) -> None:
    """Writes vectors, queries of the same topics, and the numbers of the nearest to each query."""
    topics = Topics()
    vectors = np.lib.format.open_memmap(folder / "vectors.npy", "w+", np.float32, (size, DIM))
    for start in range(0, size, BATCH):
        vectors[start : start + BATCH] = topics.draw(min(BATCH, size - start))
    asked = topics.draw(queries)
    vectors.flush()
    np.save(folder / "queries.npy", asked)
    np.save(folder / "truth.npy", nearest(asked, vectors))


def measured(name: str, folder: Path, size: int, python: Path) -> Store:
    """Fills a store in another process, and asks it with each effort."""
    own = folder / name
    own.mkdir()
    files = [folder / f"{each}.npy" for each in ("vectors", "queries", "truth")]
    clusters = NlistRule().wanted(size)
    program = [sys.executable, "-m", "benchmarks.inside_store"] if name == OURS else [python, INSIDE]
    command = [*map(str, [*program, name, *files, own, clusters])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        filled, *answers = answers_of(process, EFFORTS[name])
    figures = [Measured(effort, **each) for effort, each in zip(EFFORTS[name], answers, strict=True)]
    return Store(**filled, measured=figures)


def answers_of(process: subprocess.Popen[str], efforts: Sequence[int]) -> Iterator[dict[str, Any]]:
    assert process.stdin and process.stdout
    for effort in efforts:
        process.stdin.write(f"{effort}\n")
    process.stdin.close()
    for line in process.stdout:
        yield json.loads(line)


def environment(cache: Path) -> Path:
    """Returns the Python of the other stores, in an environment of its own, made once."""
    folder = cache / "venv-stores"
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    done = folder / "complete"
    if not done.exists():
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        done.touch()
    return python


if __name__ == "__main__":
    typer.run(main)
