"""Writes receipts into a CSV or JSON Lines file, a line for every picture as it goes."""

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from library.errors import InvalidSelection
from library.ingest.receipts import RECEIPT_FIELDS, FileReceipt
from library.running.disk import check_regular, writing
from library.texts import ESCAPING

Write = Callable[[FileReceipt], None]


@contextmanager
def receipt_file(path: Path | None) -> Iterator[Write]:
    """Yields a function that writes one receipt, whole lines at a time; without a path it does nothing.

    Raises InvalidSelection for a path that does not end in .csv or .jsonl, or that cannot be written.
    """
    if path is None:
        yield lambda _: None
        return
    if path.suffix.lower() not in (".csv", ".jsonl"):
        raise InvalidSelection("receipts_name", name=path.name or str(path))
    with writing(path):
        check_regular(path)
        file = path.open("w", encoding="utf-8", errors=ESCAPING, newline="", buffering=1)
    with writing(path), file:
        write = _csv_writer(file) if path.suffix.lower() == ".csv" else _jsonl_writer(file)
        yield lambda receipt: _written(path, write, receipt)


def _written(path: Path, write: Write, receipt: FileReceipt) -> None:
    with writing(path):
        write(receipt)


def _csv_writer(file: TextIO) -> Write:
    writer = csv.DictWriter(file, RECEIPT_FIELDS)
    writer.writeheader()

    def write(receipt: FileReceipt) -> None:
        writer.writerow(receipt.as_json())

    return write


def _jsonl_writer(file: TextIO) -> Write:
    def write(receipt: FileReceipt) -> None:
        file.write(json.dumps(receipt.as_json(), ensure_ascii=False) + "\n")

    return write
