"""Measures what a filter adds to a search, as a collection answers it, beside what it adds to Milvus's own search.

python -m benchmarks.filters [--server auto | http://localhost:19530 | none]
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import typer

from benchmarks.backends import DIM, wait_for_index
from benchmarks.query import LIMIT, backends, by_turns
from benchmarks.results import RESULTS, Quick, Results, Row, Table, publish
from benchmarks.rows import BATCH, Server
from db.milvus.clusters import EVERY_CLUSTER, automatic_nprobe
from db.milvus.collection import MilvusCollection
from db.milvus.database import Milvus
from db.milvus.schema import EMBEDDING, FIELDS, METADATA, METRIC
from library.ports import EncoderInfo, Vectors
from library.search.filters import Condition, Filter
from testing.pictures import record, unit_vectors

VECTOR = unit_vectors(1, DIM, seed=1)[0]
# Each beside the expression that a program of its own would send.
CASES = {
    "width >= 1000": Condition("width", ">=", 1000),
    'meta["class"] == "class 7"': Condition("class", "=", "class 7"),
    'meta["class"] != "class 7"': Condition("class", "!=", "class 7"),
    'meta["stars"] >= 3 and meta["stars"] <= 4': Condition("stars", "between", [3, 4]),
}
NOTES = [
    "Asked by turns in one loop, the collection kept loaded; compared is what a filter adds to the median of a plain "
    "search. Milvus's own: `client.search` with the expression of the row, the same limit, fields and nprobe. Under a "
    "filter that is every cluster, since those that match lie far apart; the last row of each names what Milvus's own "
    "search adds with the nprobe of a plain search."
]


def main(
    server: Server = "auto", rows: int = 30_000, queries: int = 15, quick: Quick = False, results: Results = RESULTS
) -> None:
    if quick:
        rows, queries = 2_000, 3
    table = [row for name, milvus in backends(server) for row in rows_of(name, milvus, rows, queries)]
    publish(Table("Filters", table, NOTES), results, quick)


def rows_of(name: str, milvus: Milvus, rows: int, queries: int) -> list[Row]:
    collection = milvus.collection(EncoderInfo("filters", "0" * 12, DIM, "cpu", "float32"))
    fill(milvus, collection, unit_vectors(rows, DIM))
    measured = []
    with collection.loaded() as index:
        index.count()
        status = collection.status()
        own = own_search(milvus, status.collection)
        nprobe = automatic_nprobe(rows, status.nlist)
        for expression, condition in CASES.items():
            ours, ours_plain, theirs, theirs_plain, theirs_few = by_turns(
                queries,
                partial(index.search, VECTOR, LIMIT, where=Filter([condition])),
                partial(index.search, VECTOR, LIMIT),
                partial(own, expression, EVERY_CLUSTER),
                partial(own, "", nprobe),
                partial(own, expression, nprobe),
            )
            adds, own_adds, few_adds = ours - ours_plain, theirs - theirs_plain, theirs_few - theirs_plain
            added = f"{expression}, {rows:,} rows on {name}: a filter adds", f"{adds:.1f} ms"
            measured.append(Row(*added, "to Milvus's own search", f"{own_adds:.1f} ms", adds / own_adds, at_most=1.15))
            measured.append(Row(*added, f"with nprobe {nprobe}", f"{few_adds:.1f} ms", adds / few_adds))
    milvus.close()
    return measured


def fill(milvus: Milvus, collection: MilvusCollection, vectors: Vectors) -> None:
    rows = len(vectors)
    for start in range(0, rows, BATCH):
        records = [
            record(
                number,
                width=100 + number % 4000,
                added=f"2026-01-{1 + number % 28:02}T00:00:00.000000Z",
                metadata={"class": f"class {number % 101}", "stars": number % 6},
            )
            for number in range(start, start + BATCH)
        ]
        collection.upsert(records, vectors[start : start + BATCH])
    collection.flush()
    collection.optimize()
    wait_for_index(milvus, str(collection.status().collection), rows)


def own_search(milvus: Milvus, name: str) -> Callable[[str, int], object]:
    def search(expression: str, nprobe: int) -> object:
        parameters: dict[str, Any] = {"metric_type": METRIC, "params": {"nprobe": nprobe}}
        return milvus.connection.client().search(
            name,
            data=[VECTOR],
            anns_field=EMBEDDING,
            limit=LIMIT,
            filter=expression,
            search_params=parameters,
            output_fields=[*FIELDS, METADATA],
        )

    return search


if __name__ == "__main__":
    typer.run(main)
