"""A text query end to end, as the library answers it, beside the text tower and the search of Milvus alone.

python -m benchmarks.query [--server auto | http://localhost:19530 | none]
"""

import os
import statistics
from collections.abc import Callable, Iterator
from typing import Any

import torch
import typer

from benchmarks.backends import wait_for_index
from benchmarks.material import base_clip, empty_library, temporary_folder
from benchmarks.results import CACHE, RESULTS, Cache, Quick, Results, Row, Table, publish, seconds
from benchmarks.rows import BATCH, Server, started
from db.clusters import automatic_nprobe
from db.collection import MilvusCollection
from db.milvus import Milvus
from db.schema import EMBEDDING, FIELDS, METADATA, METRIC
from encoders.clip import ClipEncoder, load_encoder
from library.search import Query
from tests.conftest import record, unit_vectors

TEXT = "a photo of a red circle"
LIMIT = 24


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
    encoder = load_encoder(str(base_clip(cache)))
    table = []
    for name, milvus in backends(server):
        table.append(row(name, milvus, encoder, rows, queries))
    publish(Table("Query", table, NOTES), results, quick)


NOTES = [
    "Asked by turns in one loop, the collection kept loaded. The tower: its forward pass on tokens that are ready; the "
    "search: `client.search` with the same parameters and fields."
]


def backends(server: str) -> Iterator[tuple[str, Milvus]]:
    with temporary_folder() as folder:
        yield "Lite", Milvus(folder / "milvus.db", release_after=None)
    with started(server) as uri:
        if uri:
            yield "the server", Milvus(uri, release_after=None)


def row(name: str, milvus: Milvus, encoder: ClipEncoder, rows: int, queries: int) -> Row:
    with empty_library(encoder, milvus) as library:
        collection = milvus.collection(encoder.info)
        fill(milvus, collection, rows)
        library.count_rows()
        status = collection.status()
        parts = tower_and_search(milvus, encoder, status.collection, automatic_nprobe(rows, status.nlist))
        whole, alone = by_turns(queries, lambda: library.search(Query.of(TEXT, limit=LIMIT)), parts)
    return Row(
        f"text query, {rows:,} rows on {name}",
        f"{whole:.1f} ms",
        "text tower + Milvus search alone",
        f"{alone:.1f} ms",
        whole / alone,
        at_most=1.15,
    )


def fill(milvus: Milvus, collection: MilvusCollection, rows: int) -> None:
    vectors = unit_vectors(rows, 512)
    for start in range(0, rows, BATCH):
        records = [record(number) for number in range(start, start + BATCH)]
        collection.upsert(records, vectors[start : start + BATCH])
    collection.flush()
    wait_for_index(milvus, str(collection.status().collection), rows)


def tower_and_search(milvus: Milvus, encoder: ClipEncoder, name: str, nprobe: int) -> Callable[[], object]:
    tokens = encoder._tokenizer([TEXT], return_tensors="pt")
    search: dict[str, Any] = {
        "anns_field": EMBEDDING,
        "limit": LIMIT,
        "search_params": {"metric_type": METRIC, "params": {"nprobe": nprobe}},
        "output_fields": [*FIELDS, METADATA],
    }

    def ask() -> object:
        torch.set_num_threads(os.cpu_count() or 1)
        with torch.inference_mode():
            features = encoder._model.get_text_features(
                input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
            ).pooler_output
        vector = torch.nn.functional.normalize(features.float(), dim=-1).numpy()
        return milvus.client().search(name, data=list(vector), **search)

    return ask


def by_turns(queries: int, *works: Callable[[], object]) -> list[float]:
    """Medians in milliseconds; now this one is first, now that one."""
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
