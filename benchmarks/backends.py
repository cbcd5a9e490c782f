"""Compares the times of Milvus Lite and a server on one machine: filling, loading, searching and releasing.

python -m benchmarks.backends [--server auto | http://localhost:19530] [--rows 1000,10000,30000]
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer

from db.milvus.aliases import behind
from db.milvus.collection import MilvusCollection
from db.milvus.database import Milvus
from db.milvus.schema import EMBEDDING
from db.milvus.server import Server
from library.ports import EncoderInfo, Vector, Vectors
from library.records import Record
from testing.milvus_server import MilvusServer
from testing.pictures import record, unit_vectors

DIM = 512
LIMIT = 24
BATCH = 1000
CYCLES = 5
QUERIES = 50
THREADS = 8
INDEXING = 120  # seconds a server may take over the index
# The tests' server runs its coordinator in shorter rounds; this one is to be as it is delivered.
AS_DELIVERED = {"log.level": "warn"}


class Figures(NamedTuple):
    """Holds rates in a second and times in milliseconds."""

    insert: float
    load: float
    release: float
    search: float
    exact: float
    cycle: float
    threads: float


HEADINGS = ["rows", "backend", "insert rows/s", "load ms", "release ms", "search ms", "exact ms", "cycle ms"]


def main(
    server: Annotated[str, typer.Option(help="A Milvus server beside Lite; auto starts the PyPI package milvus.")] = "",
    rows: Annotated[str, typer.Option(help="Sizes of the library.")] = "1000,10000,30000",
    runs: Annotated[int, typer.Option(help="Each size is filled and measured so often; the medians count.")] = 3,
) -> None:
    print_row([*HEADINGS, f"{THREADS} threads, searches/s"])
    print_row(["---:", "---", *["---:"] * len(Figures._fields)])
    with started(server) as uri:
        for count in map(int, rows.split(",")):
            records = [record(number) for number in range(count)]
            vectors = unit_vectors(count, DIM)
            lite = in_several_runs("", records, vectors, runs)
            if uri:
                pairs = zip(lite, in_several_runs(uri, records, vectors, runs), strict=True)
                print_row([f"{count:,}", "Lite / server", *(as_ratio(here, there) for here, there in pairs)])


@contextmanager
def started(server: str) -> Iterator[str]:
    if server != "auto":
        yield server
        return
    with tempfile.TemporaryDirectory() as folder, MilvusServer(Path(folder), AS_DELIVERED) as milvus:
        yield milvus.uri


def in_several_runs(uri: str, records: list[Record], vectors: Vectors, runs: int) -> Figures:
    """Measures one size several times, prints the medians as a row, and returns them. An empty uri is Milvus Lite."""
    measured, backend = [], ""
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            figures, backend = measure(uri or Path(folder) / "milvus.db", records, vectors)
        measured.append(figures)
    medians = Figures(*map(statistics.median, zip(*measured, strict=True)))
    print_row([f"{len(records):,}", backend, *map(readable, medians)])
    return medians


def measure(uri: str | Path, records: list[Record], vectors: Vectors) -> tuple[Figures, str]:
    encoder = EncoderInfo(f"backends {time.time_ns()}", "0" * 12, DIM, "cpu", "float32")
    queries = unit_vectors(QUERIES, DIM, seed=1)

    strict = Milvus(uri, release_after=0)
    collection = strict.collection(encoder)
    insert = fill(collection, records, vectors)
    name, version = collection.status().collection, str(collection.status().version).removesuffix("-lite")
    wait_for_index(strict, name, len(records))
    loads, releases, cycles = zip(*(cycle(collection, vector) for vector in queries[: CYCLES + 1]), strict=True)
    strict.close()

    kept = Milvus(uri, release_after=None)
    collection = kept.collection(encoder)
    search, exact = (milliseconds(collection, queries, exact) for exact in (False, True))
    threads = searches_a_second(collection, queries)
    kept.close()

    if isinstance(kept.backend, Server):
        drop(kept, name)
        kept.close()
    # The first cycle of a connection also opens the collection.
    load, release, whole = (statistics.median(times[1:]) * 1000 for times in (loads, releases, cycles))
    backend = f"{'server' if isinstance(kept.backend, Server) else 'Lite'} {version}"
    return Figures(insert, load, release, search, exact, whole, threads), backend


def drop(milvus: Milvus, name: str) -> None:
    collections = behind(milvus.connection.client(), name)
    milvus.connection.client().drop_alias(name)
    for each in collections:
        milvus.connection.client().drop_collection(each)


def fill(collection: MilvusCollection, records: list[Record], vectors: Vectors) -> float:
    started = time.perf_counter()
    for start in range(0, len(records), BATCH):
        collection.upsert(records[start : start + BATCH], vectors[start : start + BATCH])
    collection.flush()
    return len(records) / (time.perf_counter() - started)


def wait_for_index(milvus: Milvus, name: str, rows: int) -> None:
    """Waits until a server has built the index, which it does after the flush."""
    deadline = time.monotonic() + INDEXING
    while isinstance(milvus.backend, Server) and time.monotonic() < deadline:
        if int(milvus.connection.client().describe_index(name, EMBEDDING)["indexed_rows"]) >= rows:
            return
        time.sleep(0.2)


def cycle(collection: MilvusCollection, vector: Vector) -> tuple[float, float, float]:
    """Returns the seconds of loading, of releasing, and of loading, searching and releasing together."""
    started = time.perf_counter()
    with collection.loaded() as index:
        loaded = time.perf_counter()
        index.search(vector, LIMIT)
        found = time.perf_counter()
    released = time.perf_counter()
    return loaded - started, released - found, released - started


def milliseconds(collection: MilvusCollection, queries: Vectors, exact: bool) -> float:
    times = []
    with collection.loaded() as index:
        index.search(queries[0], LIMIT, exact=exact)
        for vector in queries:
            started = time.perf_counter()
            index.search(vector, LIMIT, exact=exact)
            times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def searches_a_second(collection: MilvusCollection, queries: Vectors) -> float:
    def search(vector: Vector) -> None:
        with collection.loaded() as index:
            index.search(vector, LIMIT)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(search, queries[:THREADS]))
        started = time.perf_counter()
        list(pool.map(search, np.tile(queries, (4, 1))))
        return 4 * len(queries) / (time.perf_counter() - started)


def readable(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 10 else f"{figure:.1f}"


def as_ratio(here: float, there: float) -> str:
    return readable(here / there) if here >= there else f"1/{readable(there / here)}"


def print_row(cells: list[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
