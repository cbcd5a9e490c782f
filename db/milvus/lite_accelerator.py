"""Makes Milvus Lite keep which rows are live; by itself it walks all rows in Python for each search.

Of a search over 200,000 rows this walk takes 98 %. What replaces it gives the same answers, and only where the source
of what it replaces is known: `python -m benchmarks.lite` compares both.
"""

import hashlib
import inspect
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial, wraps
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from milvus_lite.engine import collection as engine
from milvus_lite.engine import projection
from milvus_lite.index import faiss_ivf_flat
from milvus_lite.index.brute_force import BruteForceIndex
from milvus_lite.search import assembler, bitmap
from milvus_lite.search.filter.eval import hybrid_backend, python_backend
from milvus_lite.storage.memtable import MemTable
from milvus_lite.storage.segment import Segment
from numpy.typing import NDArray

from db.milvus.lite_filters import table_mask
from db.milvus.lite_live_rows import LiveRows, Mask, Newer
from db.milvus.lite_queries import filtered, query, records_of

logger = logging.getLogger(__name__)

# Of the functions that are replaced, as Milvus Lite 3.2.2 has them.
KNOWN_SOURCE = "d6ba0df6ca69687a420f8c3f89b21ac31dadc0824df2789b180c25185d8ee862"
KEPT = "_likeness_live_rows"

Found = tuple[float, int, int]  # distance, place of the source, row


class RowSource(NamedTuple):
    """Holds what one segment, or the rows that were not flushed, bring to a search."""

    index: Any
    mask: Mask
    records: Callable[[Sequence[int]], list[dict[str, Any]]]
    keys: Sequence[Any]


class Segments(tuple[Any, ...]):
    """Holds the segments of a collection, with what is known of their rows."""

    live: LiveRows


def accelerate() -> None:
    """Replaces the slow functions of Milvus Lite in this process, where they are those that are known."""
    if is_accelerated():
        return
    if _source() != KNOWN_SOURCE:
        logger.warning("This version of Milvus Lite is not known: its searches walk all rows, and take longer.")
        return
    setattr(engine.Collection, KEPT, None)
    engine.Collection._read_snapshot = _with_live_rows(engine.Collection._read_snapshot)
    engine.Collection._num_entities = wraps(engine.Collection._num_entities)(_count)
    engine.Collection.query = _with_own_query(engine.Collection.query)
    engine.execute_search_with_index = wraps(engine.execute_search_with_index)(_search)
    engine.project_record = wraps(engine.project_record)(_project)
    projection._is_primary = _is_primary


def is_accelerated() -> bool:
    """Returns whether they are replaced, by whichever library in this process."""
    return hasattr(engine.Collection, KEPT)


def _source() -> str:
    collection = engine.Collection
    functions = (
        *(engine.execute_search_with_index, collection._read_snapshot, collection._num_entities, Segment.row_to_dict),
        *(collection._trigger_flush, MemTable.to_search_snapshot, MemTable.delete_index_snapshot),
        *(collection.query, collection._compile_filter, assembler, bitmap, projection),
        *(hybrid_backend, python_backend, Segment.release_index),
    )
    return hashlib.sha256("".join(map(inspect.getsource, functions)).encode()).hexdigest()


def _with_live_rows(read: Callable[[Any], tuple[Any, Any]]) -> Callable[[Any], tuple[Segments, Any]]:
    @wraps(read)
    def read_snapshot(collection: Any) -> tuple[Segments, Any]:
        segments, deletions = read(collection)
        kept = Segments(each for each in segments if each.num_rows)
        kept.live = getattr(collection, KEPT) or LiveRows()
        setattr(collection, KEPT, kept.live)
        return kept, deletions

    return read_snapshot


def _with_own_query(stock: Callable[..., list[dict[str, Any]]]) -> Callable[..., list[dict[str, Any]]]:
    @wraps(stock)
    def query_rows(collection: Any, expr: Any = None, **named: Any) -> list[dict[str, Any]]:
        if named.get("order_by_pk") or not isinstance(expr, str | None):
            return stock(collection, expr, **named)
        return query(collection, expr, **{name: value for name, value in named.items() if name != "order_by_pk"})

    return query_rows


def _is_primary(schema: Any, name: str) -> bool:
    """Tells what Milvus Lite looks through all fields for, several times for each hit."""
    return bool(name == next(field.name for field in schema.fields if field.is_primary))


def _project(record: dict[str, Any], schema: Any, plan: Any) -> dict[str, Any]:
    """Returns the fields of a record that are asked for; fields without a column only Milvus Lite itself looks for."""
    if plan.include_raw_meta:
        stock: dict[str, Any] = projection.project_record(record, schema, plan)
        return stock
    shown = {name: record[name] for name in plan.response_schema_fields if name in record}
    key = next(field.name for field in schema.fields if field.is_primary)
    if plan.api_kind == "search":
        shown.pop(key, None)
    elif key in record:
        shown[key] = record[key]
    return shown


def _count(collection: Any, partition_names: list[str] | None) -> int:
    everything, deletions = collection._read_snapshot()
    segments = [each for each in everything if partition_names is None or each.partition in partition_names]
    keys, numbers, *_ = collection._memtable.to_search_snapshot(None, partition_names)
    newer = Newer(keys, numbers, collection._memtable.delete_index_snapshot())
    masks = everything.live.of(segments, deletions.snapshot, newer)
    return int(sum(map(np.count_nonzero, [*masks, newer.live(segments, deletions.snapshot)])))


def _search(
    query_vectors: NDArray[np.float32],
    segments: Segments,
    memtable: Any,
    delta_index: Any,
    top_k: int,
    metric_type: str,
    pk_field: str,
    project_record_fn: Callable[[dict[str, Any]], dict[str, Any]],
    search_params: dict[str, Any] | None = None,
    output_fields: Sequence[str] | None = None,
    **scope: Any,
) -> list[list[dict[str, Any]]]:
    """Returns for each query the hits, the nearest first; the arguments are those that Milvus Lite calls it with."""
    found: list[list[Found]] = [[] for _ in query_vectors]
    faiss_ivf_flat.faiss.omp_set_num_threads(1 if len(found) == 1 else os.cpu_count() or 1)
    sources = [*_sources(segments, memtable, delta_index.snapshot, metric_type, output_fields, **scope)]
    for place, source in enumerate(sources):
        if source.mask.any():
            mask = None if source.mask.all() else source.mask
            rows, distances = source.index.search(query_vectors, top_k, valid_mask=mask, params=search_params)
            for each, own_rows, own_distances in zip(found, rows.tolist(), distances.tolist(), strict=True):
                each += [(far, place, row) for far, row in zip(own_distances, own_rows, strict=True) if row >= 0]

    nearest = [sorted(one)[:top_k] for one in found]
    records = _records(sources, chain.from_iterable(nearest))

    def hit(far: float, place: int, row: int) -> dict[str, Any]:
        # For keys alone Lite itself would make a record of all fields, and leave them out again.
        entity = {} if output_fields == [pk_field] else project_record_fn(records[place, row])
        return {"id": sources[place].keys[row], "distance": far, "entity": entity}

    return [[hit(*each) for each in one] for one in nearest]


def _records(sources: Sequence[RowSource], found: Iterable[Found]) -> dict[tuple[int, int], dict[str, Any]]:
    """Returns the records that were found, by their source and row: many at once, and each of them once."""
    wanted: dict[int, set[int]] = {}
    for _, place, row in found:
        wanted.setdefault(place, set()).add(row)
    return {
        (place, row): record
        for place, rows in wanted.items()
        for row, record in zip(sorted(rows), sources[place].records(sorted(rows)), strict=True)
    }


def _sources(
    segments: Segments,
    memtable: Any,
    deletions: Mapping[Any, int],
    metric_type: str,
    output_fields: Sequence[str] | None,
    vector_field: str,
    partition_names: list[str] | None,
    compiled_filter: Any,
    indexed_filter_plan: Any,
) -> Iterator[RowSource]:
    keys, numbers, vectors, rows, table = memtable.to_search_snapshot(
        vector_field, partition_names, include_table=compiled_filter is not None
    )
    newer = Newer(keys, numbers, memtable.delete_index_snapshot())
    wanted = [each for each in segments if not partition_names or each.partition in partition_names]
    for segment, live in zip(wanted, segments.live.of(wanted, deletions, newer), strict=True):
        own, has_vector = segment.vector_data(vector_field)
        mask = live if has_vector is None else live & has_vector
        if compiled_filter is not None:
            mask = mask & filtered(segment, compiled_filter, indexed_filter_plan)
        index = segment.indexes.get(vector_field) or BruteForceIndex.build(own, metric_type)
        yield RowSource(index, mask, partial(records_of, segment.table, output_fields), segment.pks)
    if keys:
        mask = newer.live(wanted, deletions)
        if compiled_filter is not None:
            mask = mask & table_mask(table, compiled_filter, vector_field)
        index = BruteForceIndex.build(vectors, metric_type)
        yield RowSource(index, mask, lambda wanted: [memtable.materialize_row(*rows[each]) for each in wanted], keys)
