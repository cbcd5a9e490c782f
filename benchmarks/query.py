"""Measures a text query end to end, as the library answers it, beside the text tower and the search of Milvus alone.

python -m benchmarks.query [--server auto | http://localhost:19530 | none]
"""

import statistics
from collections.abc import Callable, Iterator
from typing import Any

import typer

from benchmarks.backends import wait_for_index
from benchmarks.fixtures import base_clip, empty_library, quick_encoder, temporary_folder
from benchmarks.results import CACHE, RESULTS, Cache, Quick, Results, Row, Table, publish, seconds
from benchmarks.rows import BATCH, Server, started
from db.milvus.clusters import automatic_nprobe
from db.milvus.collection import MilvusCollection
from db.milvus.database import Milvus
from db.milvus.schema import EMBEDDING, FIELDS, METADATA, METRIC
from encoders.clip import ClipEncoder
from library.image_library import ImageLibrary
from library.search.parts import LibraryPart, TextPart
from library.search.query import Query
from testing.fakes import MemoryStore, ready
from testing.pictures import record, unit_vectors

TEXT = "a photo of a red circle"
LIMIT = 24
MANY = 20


def main(
    server: Server = "auto",
    rows: int = 30_000,
    queries: int = 200,
    quick: Quick = False,
    results: Results = RESULTS,
    cache: Cache = CACHE,
) -> None:
    if quick:
        rows, queries = 2_000, 20
    encoder = quick_encoder(str(base_clip(cache)))
    table = []
    for name, milvus in backends(server):
        table.extend(rows_on(name, milvus, encoder, rows, queries))
    publish(Table("Query", table, NOTES), results, quick)


NOTES = [
    "Asked by turns in one loop, the collection kept loaded. The tower: its forward pass on tokens that are ready; the "
    "search: `client.search` with the same parameters and fields.",
    "A combined query has two texts, of which one is negative, and a picture of the library. Its confidence is "
    "computed from a sample of 2,000 vectors, and it is explained. Beyond encoding are the formula, the search, the "
    "confidence, and once the vector of that picture, which is kept then. 20 vectors are searched in one call.",
]


def backends(server: str) -> Iterator[tuple[str, Milvus]]:
    with temporary_folder() as folder:
        yield "Lite", Milvus(folder / "milvus.db", release_after=None)
    with started(server) as uri:
        if uri:
            yield "the server", Milvus(uri, release_after=None)


def rows_on(name: str, milvus: Milvus, encoder: ClipEncoder, rows: int, queries: int) -> list[Row]:
    with empty_library(encoder, milvus) as library:
        collection = milvus.collection(encoder.info)
        fill(milvus, collection, rows)
        library.count_rows()
        status = collection.status()
        parts = tower_and_search(milvus, encoder, status.collection, automatic_nprobe(rows, status.nlist))
        whole, alone = by_turns(queries, lambda: library.search(Query.of(TEXT, limit=LIMIT)), parts)
        judging = judging_library(encoder, milvus, rows)
        combined = Query((TextPart(TEXT), TextPart("blue", -0.5), LibraryPart(record(0).content_id, 0.5)), limit=LIMIT)
        plain_query = Query.of(TEXT, limit=LIMIT)
        assert judging.search(combined).confident is not None and library.search(plain_query).confident is None
        several, plain = beyond_encoding(queries, (judging, combined), (library, plain_query))
        with collection.loaded() as index:
            vectors = unit_vectors(MANY, encoder.info.dim, seed=1)
            many, one = by_turns(
                queries, lambda: index.search_many(vectors, LIMIT), lambda: index.search(vectors[0], LIMIT)
            )
    where = f"{rows:,} rows on {name}"
    tower = "text tower + Milvus search alone"
    return [
        Row(f"text query, {where}", f"{whole:.1f} ms", tower, f"{alone:.1f} ms", whole / alone, at_most=1.15),
        Row(
            f"combined query beyond encoding, {where}",
            f"{several:.1f} ms",
            "a plain text query beyond encoding",
            f"{plain:.1f} ms",
            several / plain,
            at_most=1.2,
        ),
        Row(
            f"{MANY} vectors, {where}",
            f"{many:.1f} ms",
            "one vector",
            f"{one:.1f} ms",
            many / one,
            at_most=3 if name == "Lite" else None,
        ),
    ]


def judging_library(encoder: ClipEncoder, milvus: Milvus, rows: int) -> ImageLibrary:
    """Returns a library over the same rows with their records, since only stored pictures have a confidence."""
    store = MemoryStore()
    for number in range(rows):
        store.add(record(number), None, b"")
    library = ImageLibrary(store, ready(encoder), milvus)
    library.calibrate(wait=True)
    return library


def beyond_encoding(queries: int, *asked: tuple[ImageLibrary, Query]) -> list[float]:
    """Returns the median times in milliseconds of searches without their encoding, measured by turns."""
    times: list[list[float]] = [[] for _ in asked]
    for number in range(queries + 5):
        for which, (library, query) in enumerate(asked):
            timings = library.search(query).timings
            if number >= 5:
                times[which].append(timings.total - timings.encode)
    return [statistics.median(each) for each in times]


def fill(milvus: Milvus, collection: MilvusCollection, rows: int) -> None:
    vectors = unit_vectors(rows, 512)
    for start in range(0, rows, BATCH):
        records = [record(number) for number in range(start, start + BATCH)]
        collection.upsert(records, vectors[start : start + BATCH])
    collection.flush()
    wait_for_index(milvus, str(collection.status().collection), rows)


def tower_and_search(milvus: Milvus, encoder: ClipEncoder, name: str, nprobe: int) -> Callable[[], object]:
    texts: Any = encoder.texts
    tokens = texts.tokens([TEXT])
    search: dict[str, Any] = {
        "anns_field": EMBEDDING,
        "limit": LIMIT,
        "search_params": {"metric_type": METRIC, "params": {"nprobe": nprobe}},
        "output_fields": [*FIELDS, METADATA],
    }

    def ask() -> object:
        return milvus.connection.client().search(name, data=list(texts._compute(tokens)), **search)

    return ask


def by_turns(queries: int, *works: Callable[[], object]) -> list[float]:
    """Returns the median times in milliseconds of several calls, made by turns in changing order."""
    times: list[list[float]] = [[] for _ in works]
    for number in range(queries + 5):
        order = range(len(works)) if number % 2 else reversed(range(len(works)))
        for which in order:
            taken = seconds(works[which])
            if number >= 5:
                times[which].append(1000 * taken)
    return [statistics.median(each) for each in times]


if __name__ == "__main__":
    typer.run(main)
