"""Evaluates filters over the rows of Milvus Lite by columns that are kept, instead of reading every row anew."""

import json
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
from milvus_lite.search.filter import evaluate_mask
from milvus_lite.search.filter.ast import (
    And,
    BoolLit,
    CmpOp,
    FieldRef,
    FloatLit,
    IntLit,
    IsNullOp,
    MetaAccess,
    Or,
    PathAccess,
    StringLit,
)

from db.milvus.lite_live_rows import Mask

DYNAMIC = "$meta"  # the column in which Milvus Lite keeps, as JSON, the fields that a schema does not name
KEPT = "\0likeness columns"  # no field can have this name
MOST_COLUMNS = 64  # of one segment
MISSING, OTHER = -2, -1  # the codes of rows without the field, and of those with a list, an object or NaN in it

Steps = tuple[str | int, ...]
Path = tuple[str, Steps, Steps]  # a column of the table, the way to a value in its JSON, and from there, also as JSON


class NotSupported(Exception):
    """Tells that Milvus Lite itself has to evaluate an expression."""


class Column:
    """Holds one field of many rows: its distinct values in order, and for each row which of them it has.

    Numbers and truth values come first, since Python compares them, then texts. What a comparison finds is what
    Milvus Lite finds by comparing row by row: values of other kinds differ from one another, and have no order.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        numbers = sorted({value for value in values if isinstance(value, int | float) and value == value})
        texts = sorted({value for value in values if isinstance(value, str)})
        self._distinct: list[Any] = [*numbers, *texts]
        self._numbers = len(numbers)
        places: dict[Any, int] = {value: place for place, value in enumerate(self._distinct)}
        codes = (_code(value, places) for value in values)
        self._codes = np.fromiter(codes, dtype=np.int32, count=len(values))

    def compare(self, operator: str, value: Any) -> Mask:
        """Returns in which rows the field compares so with the value."""
        first, last = (self._numbers, len(self._distinct)) if isinstance(value, str) else (0, self._numbers)
        low = bisect_left(self._distinct, value, first, last)
        high = bisect_right(self._distinct, value, first, last)
        match operator:
            case "==":
                return self._between(low, high)
            case "!=":
                return ~self._between(low, high) & self.present()
            case "<":
                return self._between(first, low)
            case "<=":
                return self._between(first, high)
            case ">":
                return self._between(high, last)
        return self._between(low, last)

    def present(self) -> Mask:
        """Returns which rows have the field."""
        found: Mask = self._codes != MISSING
        return found

    def _between(self, first: int, last: int) -> Mask:
        found: Mask = (self._codes >= first) & (self._codes < last)
        return found


class Columns:
    """Holds the fields of some rows that filters have asked for."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self._lock = threading.Lock()
        self._columns: dict[Path, Column] = {}

    def mask(self, compiled: Any) -> Mask:
        """Returns which rows an expression matches, as `evaluate_mask` of Milvus Lite does. Raises NotSupported."""
        paths = list(dict.fromkeys(_paths(compiled.ast)))
        with self._lock:
            missing = [path for path in paths if path not in self._columns]
            self._columns |= dict(zip(missing, self._read(missing), strict=True))
            columns = {path: self._columns[path] for path in paths}
            for oldest in list(self._columns)[:-MOST_COLUMNS]:
                del self._columns[oldest]
        return self._evaluate(compiled, compiled.ast, columns)

    def _read(self, paths: Sequence[Path]) -> list[Column]:
        rows = {name: list(map(_parsed, self._texts(name))) for name in {name for name, *_ in paths}}
        return [Column([_found(row, outer, inner) for row in rows[name]]) for name, outer, inner in paths]

    def _texts(self, name: str) -> list[Any]:
        known = name in self._table.column_names
        return self._table.column(name).to_pylist() if known else [None] * self._table.num_rows

    def _evaluate(self, compiled: Any, node: Any, columns: dict[Path, Column]) -> Mask:
        mask: Mask
        match node:
            case And(operands=operands):
                mask = np.logical_and.reduce([self._evaluate(compiled, each, columns) for each in operands])
                return mask
            case Or(operands=operands):
                mask = np.logical_or.reduce([self._evaluate(compiled, each, columns) for each in operands])
                return mask
            case CmpOp(left=FieldRef()):
                return _own_mask(replace(compiled, ast=node, backend="arrow"), self._table)
            case CmpOp(left=left, right=right):
                return columns[_path(left)].compare(node.op, right.value)
        present = columns[_path(node.field)].present()
        return present if node.negate else ~present


def segment_mask(segment: Any, compiled: Any) -> Mask:
    """Returns which rows of a segment an expression matches. What it reads for this stays until the release."""
    if compiled.backend == "arrow":
        return _own_mask(compiled, segment.table)
    columns = segment.sparse_indexes.get(KEPT)
    if columns is None:
        columns = segment.sparse_indexes.setdefault(KEPT, Columns(segment.table))
    return _mask(columns, compiled, segment.table)


def table_mask(table: Any, compiled: Any, vector_field: str) -> Mask:
    """Returns which rows of a table that changes an expression matches."""
    # By itself Milvus Lite makes Python numbers of the vectors of all rows.
    narrow = table.drop_columns([vector_field]) if vector_field in table.column_names else table
    return _mask(Columns(narrow), compiled, narrow)


def _mask(columns: Columns, compiled: Any, table: Any) -> Mask:
    try:
        return columns.mask(compiled)
    except (NotSupported, pa.ArrowException):
        return _own_mask(compiled, table)


def _own_mask(compiled: Any, table: Any) -> Mask:
    """Returns which rows Milvus Lite itself finds."""
    return np.asarray(evaluate_mask(compiled, table), dtype=bool)


def _paths(node: Any) -> Iterable[Path]:
    """Yields the paths that an expression compares. Raises NotSupported for more than comparisons joined."""
    match node:
        case And(operands=operands) | Or(operands=operands):
            for each in operands:
                yield from _paths(each)
        case CmpOp(left=FieldRef(), right=IntLit() | FloatLit() | StringLit() | BoolLit()):
            pass
        case CmpOp(left=left, right=IntLit() | FloatLit() | StringLit() | BoolLit()):
            yield _path(left)
        case IsNullOp(field=field):
            yield _path(field)
        case _:
            raise NotSupported


def _path(node: Any) -> Path:
    match node:
        case MetaAccess(key=key):
            return DYNAMIC, (key,), ()
        case PathAccess(base=FieldRef(name=name), path=path):
            return name, (), path
        case PathAccess(base=MetaAccess(key=key), path=path):
            return DYNAMIC, (key,), path
    raise NotSupported


def _parsed(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return None


def _found(row: Any, outer: Steps, inner: Steps) -> Any:
    value = reduce(_step, outer, row)
    return reduce(_step, inner, _parsed(value)) if inner else value


def _step(value: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return value.get(step) if isinstance(value, dict) else None
    return value[step] if isinstance(value, list) and 0 <= step < len(value) else None


def _code(value: Any, places: dict[Any, int]) -> int:
    if value is None:
        return MISSING
    return places.get(value, OTHER) if isinstance(value, str | int | float) else OTHER
