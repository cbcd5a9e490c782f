"""Kills imports at random moments, resumes them, and compares the library with that of an import never killed.

python -m benchmarks.kills --photos FOLDER [--kills 20]
"""

import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from db.images.local import LocalImageStore
from db.milvus.database import Milvus
from encoders.loading import load_encoder
from library.images import ContentId
from library.ports import EncoderInfo
from library.records import Record

ROOT = Path(__file__).parent.parent


def main(
    photos: Annotated[Path, typer.Option(help="A folder with a folder of photos for every class.")],
    kills: Annotated[int, typer.Option(help="How often the run is killed.")] = 20,
) -> None:
    encoder = load_encoder("small").info
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        table = work / "photos.csv"
        written = write_table(table, photos)
        whole, killed = Run(table, work / "whole"), Run(table, work / "killed")
        begun, ended = whole.to_its_end()
        print(f"{written} rows; never killed: {whole.told()} in {ended:.1f} s\n")
        print("| kill | after s | pictures | rows | encoded again |")
        print("|---:|---:|---:|---:|---:|")
        moments = random.Random(0)
        twice = 0
        for kill in range(1, kills + 1):
            had_rows = rows(killed.data, encoder)
            after = moments.uniform(0, begun + 2 * (ended - begun) / kills)
            killed.killed(after)
            again = killed.encoded() & had_rows
            twice += len(again)
            counts = (len(records(killed.data)), len(rows(killed.data, encoder)), len(again))
            print(f"| {kill} | {after:.2f} | {' | '.join(map(str, counts))} |", flush=True)
        had_rows = rows(killed.data, encoder)
        killed.to_its_end()
        twice += len(killed.encoded() & had_rows)
        print(f"\nresumed to the end: {killed.told()}")
        same = kept(whole.data) == kept(killed.data)
        same_rows = rows(whole.data, encoder) == rows(killed.data, encoder) == set(kept(whole.data))
        print(f"the same pictures and metadata: {same}; the same rows: {same_rows}; encoded twice: {twice}")
        if not (same and same_rows and twice == 0):
            raise typer.Exit(1)


def write_table(table: Path, photos: Path) -> int:
    paths = sorted(photos.rglob("*.jpg"))
    random.Random(0).shuffle(paths)
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["filepath", "class", "width"])
        for path in paths:
            with Image.open(path) as image:
                rows.writerow([path.absolute(), path.parent.name, image.width])
    return len(paths)


class Run:
    """Runs `ingest` of the table into a folder of its own, and starts it again after each kill."""

    def __init__(self, table: Path, data: Path) -> None:
        self.data = data
        self._receipt = data.with_suffix(".jsonl")
        self._command = [sys.executable, str(ROOT / "app.py"), "ingest", "--table", str(table)]
        self._command += ["--receipt", str(self._receipt)]

    def to_its_end(self) -> tuple[float, float]:
        """Runs to the end and returns the seconds to the first receipt and to the last."""
        started, begun = time.monotonic(), 0.0
        self._receipt.unlink(missing_ok=True)
        with self._started() as process:
            while process.poll() is None:
                time.sleep(0.02)
                if not begun and self._receipt.exists() and self._receipt.stat().st_size:
                    begun = time.monotonic() - started
        assert process.returncode == 0
        return begun, time.monotonic() - started

    def killed(self, after: float) -> None:
        with self._started() as process:
            try:
                process.wait(after)
            except subprocess.TimeoutExpired:
                process.kill()

    def told(self) -> str:
        counts = Counter(line["status"] for line in self._lines())
        return ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))

    def encoded(self) -> set[ContentId]:
        """Returns how many pictures the latest start has encoded, by its receipt."""
        return {ContentId(line["content_id"]) for line in self._lines() if line["status"] == "new"}

    def _lines(self) -> list[dict[str, str]]:
        lines = self._receipt.read_text().splitlines(keepends=True) if self._receipt.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def _started(self) -> subprocess.Popen[bytes]:
        settings = {"DATA_DIR": str(self.data), "CLIP_MODEL": "small", "MILVUS_URI": "", "IMAGE_STORE": ""}
        quiet = subprocess.DEVNULL
        return subprocess.Popen(self._command, env=os.environ | settings, stdout=quiet, stderr=quiet)


def rows(data: Path, encoder: EncoderInfo) -> set[ContentId]:
    milvus = Milvus(data / "milvus.db")
    paths = [record.img_path for record in records(data)]
    with milvus.collection(encoder).loaded() as index:
        batches = (paths[start : start + 1000] for start in range(0, len(paths), 1000))
        found = set[ContentId]().union(*map(index.present, batches))
        assert index.count() == len(found), "a row without a picture"
    milvus.close()
    return found


def kept(data: Path) -> dict[ContentId, tuple[str, object]]:
    return {record.content_id: (record.name, dict(record.metadata)) for record in records(data)}


def records(data: Path) -> list[Record]:
    store = LocalImageStore(data / "images")
    return store.find_all(store.ids())


if __name__ == "__main__":
    typer.run(main)
