"""Measures searches, filters and counts on Milvus Lite as it is, with its walks replaced, and faiss alone.

python -m benchmarks.lite [--rows 30000,100000,200000]
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from itertools import chain, repeat
from typing import Annotated, Any

import faiss
import numpy as np
import typer

from benchmarks.filters import fill
from benchmarks.fixtures import temporary_folder
from benchmarks.results import RESULTS, Quick, Results, Row, Table, publish
from benchmarks.topics import DIM, NEAREST, Topics, nearest
from db.files.nprobe_choices import NprobeChoices
from db.milvus.database import Milvus
from db.milvus.lite_accelerator import accelerate
from library.ports import EncoderInfo
from library.search.filters import Condition, Filter
from testing.pictures import record

LIMIT, THREADS = 24, 8
RECALL_MUST = 0.99
MUST = {30_000: 5, 100_000: 20, 200_000: 40}
THREADS_MUST = {100_000: 100}  # searches a second
# Each for one query after another, with a value that was not asked for before; and what it may add, in milliseconds.
CASES: dict[str, tuple[Callable[[int], Condition], int]] = {
    "name =": (lambda n: Condition("name", "=", f"{7 * n}.png"), 10),
    "name starts with": (lambda n: Condition("name", "starts with", str(n + 10)), 10),
    "width >=": (lambda n: Condition("width", ">=", 1000 + n), 10),
    "width !=": (lambda n: Condition("width", "!=", 1000 + n), 10),
    "added >=": (lambda n: Condition("added", ">=", f"2026-01-14T10:00:00.{n:06}Z"), 10),
    "metadata =": (lambda n: Condition("class", "=", f"class {n}"), 100),
    "metadata !=": (lambda n: Condition("class", "!=", f"class {n}"), 100),
    "metadata between": (lambda n: Condition("stars", "between", [2 + n / 1000, 4]), 100),
}
NOTES = [
    "Vectors in overlapping topics, as in the table Stores. "
    f"{LIMIT} hits, through the client and the socket; the collection kept loaded; stock first, then accelerated, in "
    "one process for each size. faiss: an IVF index of the same vectors and number of clusters, searched alone on one "
    "thread.",
    "A filter: by turns with a plain search of the same vector, each with a value that was not asked for before, after "
    "one that is not counted; compared is what it adds to the median. Under a filter every cluster is searched. "
    "Time of the processor, of client and index together, which other programs on the machine change little.",
]


def main(
    rows: Annotated[str, typer.Option(help="Sizes of the library.")] = "30000,100000,200000",
    queries: int = 100,
    quick: Quick = False,
    results: Results = RESULTS,
) -> None:
    sizes = [2_000] if quick else [int(each) for each in rows.split(",")]
    # A process for each size: the replacement cannot be taken back.
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawned, max_tasks_per_child=1) as processes:
        table = [*chain.from_iterable(processes.map(rows_of, sizes, repeat(10 if quick else queries)))]
    publish(Table("Lite", table, NOTES), results, quick)


def rows_of(size: int, queries: int) -> list[Row]:
    topics = Topics()
    with temporary_folder() as folder:
        measured = NprobeChoices(folder / "measured.json")
        milvus = Milvus(folder / "milvus.db", release_after=None, measured=measured, lite_accelerated=False)
        collection = milvus.collection(EncoderInfo("benchmark", "benchmark", DIM, "cpu", "float32"))
        vectors, asked = topics.draw(size), topics.draw(queries)
        fill(milvus, collection, vectors)
        status = collection.status()
        nprobe = min(status.nprobe or status.nlist, status.nlist)
        with collection.loaded() as index:
            search = partial(index.search, limit=LIMIT)
            few = asked[: max(10, queries // 5)]
            stock, stock_threads, stock_count = milliseconds(search, few), a_second(search, few), counting(index)
            accelerate()
            own, own_threads, own_count = milliseconds(search, asked), a_second(search, asked), counting(index)
            recall = recall_of(search, asked, vectors)
            filters = list(filter_rows(index, asked, f"{size:,} rows, every cluster", must=size == min(MUST)))
        milvus.close()
    alone = milliseconds(raw(vectors, status.nlist, nprobe), asked)
    where = f"{size:,} rows, nprobe {nprobe} of {status.nlist}, recall@10 {recall:.3f}"
    return [
        Row(f"recall@10, {where}", f"{recall:.3f}", "all rows compared", "1.000", recall, at_least=RECALL_MUST),
        Row(f"search, {where}", f"{own:.1f} ms", "stock", f"{stock:.1f} ms", stock / own, at_least=MUST.get(size)),
        Row(
            f"search, {where}",
            f"{own:.1f} ms",
            "faiss alone",
            f"{alone:.1f} ms",
            own / alone,
            at_most=2 if size == 200_000 else None,
        ),
        Row(
            f"{THREADS} threads, {where}",
            f"{own_threads:.0f}/s",
            "stock",
            f"{stock_threads:.0f}/s",
            own_threads / stock_threads,
        ),
        *(
            Row(
                f"{THREADS} threads, {where}",
                f"{own_threads:.0f}/s",
                "must",
                f"{must}/s",
                own_threads / must,
                at_least=1,
            )
            for must in [THREADS_MUST.get(size)]
            if must
        ),
        Row(f"count, {where}", f"{own_count:.1f} ms", "stock", f"{stock_count:.1f} ms", stock_count / own_count),
        *filters,
    ]


def filter_rows(index: Any, vectors: Any, where: str, must: bool) -> Iterator[Row]:
    for name, (condition, most) in CASES.items():
        index.search(vectors[0], LIMIT, where=Filter([condition(len(vectors))]))
        plain, filtered = [], []
        for number, vector in enumerate(vectors):
            plain.append(timed(partial(index.search, vector, LIMIT), time.process_time))
            narrow = Filter([condition(number)])
            filtered.append(timed(partial(index.search, vector, LIMIT, where=narrow), time.process_time))
        own, alone = statistics.median(filtered), statistics.median(plain)
        adds = own - alone
        measured = f"a filter {name}, {where}: {own:.1f} ms, {alone:.1f} ms without; it adds"
        yield Row(measured, f"{adds:.1f} ms", "what it may add", f"{most} ms", adds / most, at_most=1 if must else None)


def milliseconds(search: Callable[[Any], object], vectors: Any) -> float:
    """Returns the median time of a search, after one that is not counted."""
    search(vectors[0])
    return statistics.median(timed(partial(search, vector)) for vector in vectors)


def timed(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    begun = clock()
    work()
    return 1000 * (clock() - begun)


def a_second(search: Callable[[Any], object], vectors: Any) -> float:
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(search, vectors[:THREADS]))
        begun = time.perf_counter()
        list(threads.map(search, vectors))
        return len(vectors) / (time.perf_counter() - begun)


def counting(index: Any) -> float:
    index.count()
    return statistics.median(timed(index.count) for _ in range(5))


def recall_of(search: Callable[[Any], Any], asked: Any, vectors: Any) -> float:
    """Returns the share of the ten nearest to each vector asked that are among the first ten hits."""
    numbers = {record(number).content_id: number for number in range(len(vectors))}
    shares = [
        len({numbers[hit.record.content_id] for hit in search(each)[:NEAREST]} & set(exact.tolist())) / NEAREST
        for each, exact in zip(asked, nearest(asked, vectors), strict=True)
    ]
    return statistics.mean(shares)


def raw(vectors: Any, nlist: int, nprobe: int) -> Callable[[Any], object]:
    quantizer = faiss.IndexFlatIP(DIM)
    index = faiss.IndexIVFFlat(quantizer, DIM, nlist, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    index.nprobe = nprobe
    faiss.omp_set_num_threads(1)
    return lambda vector: index.search(np.atleast_2d(vector), LIMIT)


if __name__ == "__main__":
    typer.run(main)
