"""Lets eight threads search while a ninth uploads: every picture must be found, whatever the release policy.

python -m benchmarks.soak --photos FOLDER [--server http://localhost:19530] [--seconds 30]
"""

import random
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from db.milvus.database import Milvus
from db.sources.files import items_from
from encoders.loading import load_encoder
from library.images import decode
from library.ports import EncoderInfo, Vector
from library.records import Record
from testing.pictures import record

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
                f"{milvus.backend:<12} {release_after:>13}  {outcome.searches:>8}  {outcome.uploads:>7}"
                f"  {outcome.missing:>7}  {len(outcome.errors):>6}  {outcome.longest:>5.2f} s"
                f"  {outcome.loads:>5}  {outcome.releases:>8}"
            )
            for error in outcome.errors[:3]:
                print(repr(error))


def soak(milvus: Milvus, encoder: EncoderInfo, rows: list[tuple[Record, Vector]], seconds: int) -> Outcome:
    fresh = EncoderInfo(f"soak {time.time_ns()}", encoder.fingerprint, encoder.dim, encoder.device, encoder.dtype)
    collection = milvus.collection(fresh)
    outcome, lock, stop = Outcome(), threading.Lock(), threading.Event()
    uploaded = list(rows[:100])
    collection.upsert([record for record, _ in uploaded], np.stack([vector for _, vector in uploaded]))

    def check(row: tuple[Record, Vector]) -> None:
        started = time.perf_counter()
        with collection.loaded() as index:
            found = {hit.record.content_id for hit in index.search(row[1], limit=5)}
        with lock:
            outcome.searches += 1
            outcome.missing += row[0].content_id not in found
            outcome.longest = max(outcome.longest, time.perf_counter() - started)

    def guarded(work) -> None:
        try:
            while not stop.is_set():
                work()
        except Exception as error:
            outcome.errors.append(error)

    def search() -> None:
        time.sleep(random.expovariate(1 / PAUSE))
        check(random.choice(uploaded))

    def upload() -> None:
        time.sleep(random.expovariate(1 / PAUSE))
        row = rows[len(uploaded) % len(rows)]
        collection.upsert([row[0]], np.stack([row[1]]))
        collection.optimize()
        uploaded.append(row)
        outcome.uploads += 1
        check(row)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in [search] * SEARCHERS + [upload]]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    status = collection.status()
    outcome.loads, outcome.releases = status.loads, status.releases
    return outcome


if __name__ == "__main__":
    typer.run(main)
