"""Measures rows a second into Milvus Lite and a server: our collection beside the same client called directly.

python -m benchmarks.rows [--server auto | http://localhost:19530 | none]
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Annotated, Any, NamedTuple

import typer

from benchmarks.backends import AS_DELIVERED, drop
from benchmarks.fixtures import temporary_folder
from benchmarks.results import RESULTS, Quick, Results, Row, Table, per_second, publish
from db.milvus.database import Milvus
from db.milvus.schema import EMBEDDING, FIELDS, METADATA, PRIMARY_KEY
from db.milvus.server import Server as ServerBackend
from library.ports import EncoderInfo, Vectors
from library.records import Record
from testing.milvus_server import MilvusServer
from testing.pictures import record, unit_vectors

DIM = 512
BATCH = 1000
Server = Annotated[str, typer.Option(help="auto starts the PyPI package milvus; none leaves the server out.")]


class Filling(NamedTuple):
    """Holds the seconds that the rows took, in the batches and in the flush at the end."""

    ours: float
    direct: float


def main(
    server: Server = "auto",
    rows: Annotated[str, typer.Option(help="Sizes of the library.")] = "1000,200000",
    quick: Quick = False,
    results: Results = RESULTS,
) -> None:
    sizes = [1000, 3000] if quick else [int(each) for each in rows.split(",")]
    records, vectors = [record(number) for number in range(max(sizes))], unit_vectors(max(sizes), DIM)
    table = []
    for name, places in backends(server):
        for size in sizes:
            table.append(row(name, places, records[:size], vectors[:size], repeats=1 if size > 10 * BATCH else 5))
    publish(Table("Rows", table, NOTES), results, quick)


NOTES = [f"Batches of {BATCH} rows by turns into two collections, ours and the direct one; each flushed at the end."]


def backends(server: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yields the name of each backend with a function that returns two databases to fill, for Lite in two files."""
    yield "Lite", two_files
    with started(server) as uri:
        if uri:
            yield "the server", lambda: two_clients(uri)


@contextmanager
def started(server: str) -> Iterator[str]:
    """Yields the URI of a server; empty where there is none."""
    if server == "auto" and MilvusServer.unavailable() is None:
        with temporary_folder() as folder, MilvusServer(folder, AS_DELIVERED) as milvus:
            yield milvus.uri
    else:
        yield "" if server in ("auto", "none") else server


@contextmanager
def two_files() -> Iterator[tuple[Milvus, Milvus]]:
    with temporary_folder() as folder:
        pair = Milvus(folder / "ours.db"), Milvus(folder / "direct.db")
        yield pair
        for milvus in pair:
            milvus.close()


@contextmanager
def two_clients(uri: str) -> Iterator[tuple[Milvus, Milvus]]:
    pair = Milvus(uri), Milvus(uri)
    yield pair
    for milvus in pair:
        milvus.close()


def row(name: str, places: Callable[[], Any], records: Sequence[Record], vectors: Vectors, repeats: int) -> Row:
    fillings = []
    for _ in range(repeats):
        with places() as (ours, direct):
            fillings.append(filled(ours, direct, records, vectors))
    ours, direct = (len(records) * repeats / sum(each) for each in zip(*fillings, strict=True))
    what = f"the same client, batches of {BATCH:,}"
    return Row(
        f"{len(records):,} rows into {name}",
        per_second(ours, "rows"),
        what,
        per_second(direct, "rows"),
        ours / direct,
        at_least=0.9,
    )


def filled(ours: Milvus, direct: Milvus, records: Sequence[Record], vectors: Vectors) -> Filling:
    infos = [EncoderInfo(f"{kind} {time.time_ns()}", "0" * 12, DIM, "cpu", "float32") for kind in ("ours", "direct")]
    collection = ours.collection(infos[0])
    collection.status()
    name = str(direct.collection(infos[1]).status().collection)  # the same schema and index
    client = direct.connection.client()
    spent = [0.0, 0.0]

    def timed(which: int, work: Callable[..., object], *args: Any) -> None:
        started = time.perf_counter()
        work(*args)
        spent[which] += time.perf_counter() - started

    for start in range(0, len(records), BATCH):
        batch = slice(start, start + BATCH)
        rows = as_rows(records[batch], vectors[batch])
        works = [(0, collection.upsert, records[batch], vectors[batch]), (1, client.upsert, name, rows)]
        for work in works if start // BATCH % 2 else reversed(works):
            timed(*work)
    flushes = [(0, collection.flush), (1, client.flush, name)]
    # A server that is asked for two flushes makes the first wait longer: it is asked for both at once.
    with ThreadPoolExecutor(2 if isinstance(ours.backend, ServerBackend) else 1) as pool:
        list(pool.map(lambda flush: timed(*flush), flushes))
    if isinstance(ours.backend, ServerBackend):
        drop(direct, name)
        drop(ours, collection.status().collection)
    return Filling(*spent)


def as_rows(records: Sequence[Record], vectors: Vectors) -> list[dict[str, Any]]:
    return [
        {PRIMARY_KEY: each.img_path, EMBEDDING: vector, METADATA: {}, **{name: getattr(each, name) for name in FIELDS}}
        for each, vector in zip(records, vectors, strict=True)
    ]


if __name__ == "__main__":
    typer.run(main)
