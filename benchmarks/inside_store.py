"""Fills one embedded store with vectors, then answers each line of stdin with recall and time, in the store's own
environment.

python inside_store.py milvus_lite|lancedb|sqlite_vec|zvec|usearch VECTORS QUERIES TRUTH FOLDER CLUSTERS
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

LIMIT = 10
BATCH = 1000
NEIGHBOURS, CANDIDATES = 16, 128  # of each vector in a graph, and while the graph is made

Search = Callable[[np.ndarray, int], Sequence[int]]


def batches(vectors: np.ndarray) -> Iterator[tuple[range, np.ndarray]]:
    for start in range(0, len(vectors), BATCH):
        batch = np.array(vectors[start : start + BATCH])
        yield range(start, start + len(batch)), batch


def milvus_lite(vectors: np.ndarray, folder: Path, _: int) -> tuple[Search, str]:
    """Fills a collection as the app does, through its own client, whose index has the clusters that it chooses."""
    from importlib.metadata import version

    from benchmarks.backends import wait_for_index
    from db.files.nprobe_choices import NprobeChoices
    from db.milvus.database import Milvus
    from library.ports import EncoderInfo
    from testing.pictures import record

    milvus = Milvus(folder / "milvus.db", release_after=None, measured=NprobeChoices(folder / "measured.json"))
    collection = milvus.collection(EncoderInfo("benchmark", "benchmark", vectors.shape[1], "cpu", "float32"))
    numbers: dict[str, int] = {}
    for rows, batch in batches(vectors):
        records = [record(number) for number in rows]
        numbers.update(zip((each.content_id for each in records), rows, strict=True))
        collection.upsert(records, batch)
    collection.flush()
    collection.optimize()
    wait_for_index(milvus, str(collection.status().collection), len(vectors))
    index = collection.loaded().__enter__()

    def search(vector: np.ndarray, nprobe: int) -> Sequence[int]:
        return [numbers[hit.record.content_id] for hit in index.search(vector, LIMIT, nprobe or None)]

    return search, f"Likeness on Milvus Lite {version('milvus-lite')}"


def lancedb(vectors: np.ndarray, folder: Path, clusters: int) -> tuple[Search, str]:
    import lancedb
    import pyarrow
    from lancedb.index import IvfFlat

    def tables() -> Iterator[Any]:
        for rows, batch in batches(vectors):
            numbers = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(batch.ravel()), batch.shape[1])
            yield pyarrow.record_batch({"id": pyarrow.array(rows), "vector": numbers})

    schema = next(tables()).schema
    table = lancedb.connect(folder).create_table("vectors", tables(), schema=schema)
    table.create_index("vector", config=IvfFlat(distance_type="cosine", num_partitions=clusters))

    def search(vector: np.ndarray, nprobe: int) -> Sequence[int]:
        query = table.search(vector).distance_type("cosine").nprobes(nprobe).limit(LIMIT)
        return query.select(["id", "_distance"]).to_arrow()["id"].to_pylist()

    return search, f"LanceDB {lancedb.__version__}, IVF_FLAT"


def sqlite_vec(vectors: np.ndarray, folder: Path, _: int) -> tuple[Search, str]:
    import apsw  # Python's own sqlite3 may be built without extensions
    import sqlite_vec

    database = apsw.Connection(str(folder / "vectors.db"))
    database.enable_load_extension(True)
    database.load_extension(sqlite_vec.loadable_path())
    dim = vectors.shape[1]
    database.execute(f"create virtual table v using vec0(vector float[{dim}] distance_metric=cosine)")
    for rows, batch in batches(vectors):
        database.execute("begin")
        database.executemany("insert into v(rowid, vector) values (?, ?)", zip(rows, map(bytes, batch), strict=True))
        database.execute("commit")

    def search(vector: np.ndarray, _: int) -> Sequence[int]:
        asked = (vector.tobytes(), LIMIT)
        return [id for [id] in database.execute("select rowid from v where vector match ? and k = ?", asked)]

    return search, f"sqlite-vec {sqlite_vec.__version__}, no index"


def zvec(vectors: np.ndarray, folder: Path, _: int) -> tuple[Search, str]:
    from importlib.metadata import version

    import zvec

    index = zvec.HnswIndexParam(metric_type=zvec.MetricType.COSINE, m=NEIGHBOURS, ef_construction=CANDIDATES)
    field = zvec.VectorSchema("vector", zvec.DataType.VECTOR_FP32, vectors.shape[1], index)
    schema = zvec.CollectionSchema(name="vectors", vectors=field)
    collection = zvec.create_and_open(str(folder / "zvec"), schema)
    for rows, batch in batches(vectors):
        collection.insert(
            [zvec.Doc(id=str(id), vectors={"vector": each}) for id, each in zip(rows, batch, strict=True)]
        )
    collection.optimize()

    def search(vector: np.ndarray, candidates: int) -> Sequence[int]:
        query = zvec.Query(field_name="vector", vector=vector, param=zvec.HnswQueryParam(ef=candidates))
        return [int(each.id) for each in collection.query(query, topk=LIMIT)]

    return search, f"zvec {version('zvec')}, HNSW"


def usearch(vectors: np.ndarray, folder: Path, _: int) -> tuple[Search, str]:
    import usearch
    from usearch.index import Index

    index = Index(ndim=vectors.shape[1], metric="cos", dtype="f32", connectivity=NEIGHBOURS, expansion_add=CANDIDATES)
    for rows, batch in batches(vectors):
        index.add(np.array(rows), batch)
    index.save(folder / "vectors.usearch")

    def search(vector: np.ndarray, candidates: int) -> Sequence[int]:
        index.expansion_search = candidates
        return index.search(vector, LIMIT).keys.tolist()

    return search, f"USearch {usearch.__version__}, HNSW"


STORES = {each.__name__: each for each in (milvus_lite, lancedb, sqlite_vec, zvec, usearch)}


def asked(search: Search, effort: int, queries: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Returns the median time of a query in milliseconds, and the share of the ten nearest that were found."""
    search(queries[0], effort)
    times, right = [], 0
    for query, nearest in zip(queries, truth, strict=True):
        begun = time.perf_counter()
        found = search(query, effort)
        times.append(1000 * (time.perf_counter() - begun))
        right += len(set(found) & set(nearest.tolist()))
    return {"milliseconds": statistics.median(times), "recall": right / truth.size}


def main(name: str, vectors: str, queries: str, truth: str, folder: str, clusters: str) -> None:
    begun = time.perf_counter()
    search, description = STORES[name](np.load(vectors, mmap_mode="r"), Path(folder), int(clusters))
    filling = time.perf_counter() - begun
    size = sum(each.stat().st_size for each in Path(folder).rglob("*") if each.is_file())
    print(json.dumps({"name": description, "seconds": filling, "bytes": size}), flush=True)
    given = np.load(queries), np.load(truth)
    for line in sys.stdin:
        print(json.dumps(asked(search, json.loads(line), *given)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
