"""Reads the rows of Milvus Lite that a filter matches, many at once and without their vectors where nobody asks."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow
from milvus_lite.engine.projection import build_projection_plan, project_record
from milvus_lite.search.indexed_filter import evaluate_segment_filter

from db.milvus.lite_filters import DYNAMIC, segment_mask, table_mask
from db.milvus.lite_live_rows import Mask, Newer

NUMBER = "_seq"  # the column of the order in which rows were written
AT_ONCE = 1000  # rows that become Python values together


def filtered(segment: Any, compiled: Any, indexed_plan: Any) -> Mask:
    """Returns which rows of a segment match, by its own indexes where they have all fields of the filter."""
    if indexed_plan is not None:
        return np.asarray(evaluate_segment_filter(segment, compiled, indexed_plan), dtype=bool)
    return segment_mask(segment, compiled)


def query(
    collection: Any,
    expr: str | None = None,
    output_fields: list[str] | None = None,
    partition_names: list[str] | None = None,
    limit: int | None = None,
    offset: int = 0,
    timezone: str | None = None,
) -> list[dict[str, Any]]:
    """Returns the rows that match, as `Collection.query` of Milvus Lite does, which calls it with these arguments."""
    collection._require_loaded()
    compiled = collection._compile_filter(expr, timezone=timezone) if expr else None
    plan = build_projection_plan(output_fields, collection._schema, api_kind="query")
    needed = {*plan.response_schema_fields, collection._pk_name, *([DYNAMIC] if plan.include_raw_meta else [])}
    records = (
        project_record(record, collection._schema, plan)
        for table, mask in _sources(collection, compiled, partition_names)
        for record in _records(table, mask, needed)
    )
    return list(islice(records, offset, None if limit is None else offset + limit))


def records_of(table: Any, output_fields: Sequence[str] | None, rows: Sequence[int]) -> list[dict[str, Any]]:
    """Returns records of rows in rising order, with the columns that are asked for; of all fields where none is named.

    They are taken from one chunk after the other: from all of a column at once, they would all be copied.
    """
    columns = {*table.column_names} - {NUMBER}
    if output_fields is not None and "*" not in output_fields:
        columns = {DYNAMIC if name not in columns else name for name in output_fields} & columns
    narrow = table.select([name for name in table.column_names if name in columns])
    found: list[dict[str, Any]] = []
    start = 0
    for batch in narrow.to_batches():
        within = [row - start for row in rows[len(found) : bisect_left(rows, start + batch.num_rows)]]
        found += batch.take(pyarrow.array(within)).to_pylist() if within else []
        start += batch.num_rows
    return found


def _sources(collection: Any, compiled: Any, partition_names: list[str] | None) -> Iterator[tuple[Any, Mask]]:
    """Yields tables of rows, each with those that are live and match."""
    memtable = collection._memtable
    indexed_plan = collection._indexed_filter_plan(compiled)
    everything, deletions = collection._read_snapshot()
    keys, numbers, _, _, table = memtable.to_search_snapshot(None, partition_names, include_table=True)
    newer = Newer(keys, numbers, memtable.delete_index_snapshot())
    wanted = [each for each in everything if not partition_names or each.partition in partition_names]
    for segment, live in zip(wanted, everything.live.of(wanted, deletions.snapshot, newer), strict=True):
        matching = live if compiled is None else live & filtered(segment, compiled, indexed_plan)
        yield segment.table, matching
    if keys:
        live = newer.live(wanted, deletions.snapshot)
        yield table, live if compiled is None else live & table_mask(table, compiled, collection._vector_name)


def _records(table: Any, mask: Mask, needed: set[str]) -> Iterator[dict[str, Any]]:
    narrow = table.select([name for name in table.column_names if name in needed])
    rows = np.flatnonzero(mask)
    for start in range(0, len(rows), AT_ONCE):
        yield from narrow.take(rows[start : start + AT_ONCE]).to_pylist()
