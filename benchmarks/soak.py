"""Searches with eight threads while a ninth adds pictures, and counts those not found, for each way of releasing.

python -m benchmarks.soak --photos FOLDER [--server http://localhost:19530] [--seconds 30]
"""

import random
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from db.milvus.collection import MilvusCollection
from db.milvus.database import Milvus
from db.sources.files import items_from
from encoders.loading import load_encoder
from library.images import decode
from library.ports import EncoderInfo, Vector
from library.records import Record
from testing.pictures import record

Row = tuple[Record, Vector]

SEARCHERS = 8
PAUSE = 0.1  # mean seconds between two searches of a thread: the strict cycle then comes round often


@dataclass
class Outcome:
    searches: int = 0
    uploads: int = 0
    missing: int = 0
    errors: list[Exception] = field(default_factory=list)
    longest: float = 0.0
    loads: int = 0
    releases: int = 0


def main(
    photos: Annotated[Path, typer.Option(help="A folder of photos.")],
    server: Annotated[str, typer.Option(help="A Milvus server to test beside Lite.")] = "",
    seconds: int = 30,
) -> None:
    encoder = load_encoder("small")
    items = random.Random(0).sample([item for item in items_from([str(photos)]) if not item.skip], 600)
    vectors = encoder.encode_images([decode(item.read()).image for item in items])
    rows = [(record(number, name=item.name), vectors[number]) for number, item in enumerate(items)]
    uris: list[Path | str] = [Path(tempfile.mkdtemp()) / "milvus.db", *([server] if server else [])]
    print("backend      release after  searches  uploads  missing  errors  longest  loads  releases")
    for uri in uris:
        for release_after in (0, 30):
            milvus = Milvus(uri, release_after=release_after)
            outcome = soak(milvus, encoder.info, rows, seconds)
            milvus.close()
            print(
                f"{milvus.backend.name:<12} {release_after:>13}  {outcome.searches:>8}  {outcome.uploads:>7}"
                f"  {outcome.missing:>7}  {len(outcome.errors):>6}  {outcome.longest:>5.2f} s"
                f"  {outcome.loads:>5}  {outcome.releases:>8}"
            )
            for error in outcome.errors[:3]:
                print(repr(error))


class Soak:
    """Searches and uploads in a collection of its own, and counts what happens."""

    def __init__(self, collection: MilvusCollection, rows: list[Row]) -> None:
        self.outcome = Outcome()
        self._collection = collection
        self._rows = rows
        self._uploaded = rows[:100]
        self._lock = threading.Lock()
        self._stop = threading.Event()
        collection.upsert([record for record, _ in self._uploaded], np.stack([vector for _, vector in self._uploaded]))

    def run(self, seconds: int) -> None:
        """Searches with several threads and adds pictures with another, for the given seconds."""
        works = [self._search] * SEARCHERS + [self._upload]
        threads = [threading.Thread(target=self._repeat, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        self._stop.set()
        for thread in threads:
            thread.join()

    def _repeat(self, work: Callable[[], None]) -> None:
        try:
            while not self._stop.is_set():
                time.sleep(random.expovariate(1 / PAUSE))
                work()
        except Exception as error:
            self.outcome.errors.append(error)

    def _search(self) -> None:
        self._check(random.choice(self._uploaded))

    def _upload(self) -> None:
        row = self._rows[len(self._uploaded) % len(self._rows)]
        self._collection.upsert([row[0]], np.stack([row[1]]))
        self._collection.optimize()
        self._uploaded.append(row)
        self.outcome.uploads += 1
        self._check(row)

    def _check(self, row: Row) -> None:
        started = time.perf_counter()
        with self._collection.loaded() as index:
            found = {hit.record.content_id for hit in index.search(row[1], limit=5)}
        with self._lock:
            self.outcome.searches += 1
            self.outcome.missing += row[0].content_id not in found
            self.outcome.longest = max(self.outcome.longest, time.perf_counter() - started)


def soak(milvus: Milvus, encoder: EncoderInfo, rows: list[Row], seconds: int) -> Outcome:
    fresh = EncoderInfo(f"soak {time.time_ns()}", encoder.fingerprint, encoder.dim, encoder.device, encoder.dtype)
    collection = milvus.collection(fresh)
    soaking = Soak(collection, rows)
    soaking.run(seconds)
    status = collection.status()
    soaking.outcome.loads, soaking.outcome.releases = status.loads, status.releases
    return soaking.outcome


if __name__ == "__main__":
    typer.run(main)
