"""Measures imports end to end, beside the sum of their stages, the tower alone and a simple importer; and a second run.

python -m benchmarks.ingest --photos FOLDER
"""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import typer

from benchmarks.fixtures import (
    LARGE,
    SMALL,
    base_clip,
    empty_library,
    generated,
    items_of,
    photo_paths,
    quick_encoder,
    temporary_folder,
)
from benchmarks.importers import Origin, ingest_rate, run_rate
from benchmarks.results import CACHE, RESULTS, Cache, Photos, Quick, Results, Row, Table, medians, per_second, publish
from benchmarks.results import seconds as seconds_of
from benchmarks.tower import on_ready_pixels
from db.images.local import LocalImageStore
from db.milvus.database import Milvus
from encoders.clip import ClipEncoder
from library.images import Picture, content_id, decode, thumbnail
from library.ingest.batch import BATCH_SIZE
from library.ingest.library_destination import STORE_THREADS
from library.records import Record

CORES = os.cpu_count() or 1
AGAIN = 5  # a second run is short
IDLE = 0.5  # seconds after which the threads of the stage before no longer wait busily


class Sizes(NamedTuple):
    small: int = 1024
    large: int = 256  # filling and emptying the pipeline is a small part of both
    alone: int = 256
    photos: int = 768
    origins: int = 32
    origins_large: int = 16
    rounds: int = 5


QUICK = Sizes(small=64, large=32, alone=32, photos=128, origins=8, origins_large=4, rounds=1)


def main(photos: Photos, quick: Quick = False, results: Results = RESULTS, cache: Cache = CACHE) -> None:
    sizes = QUICK if quick else Sizes()
    model = base_clip(cache)
    encoder = quick_encoder(str(model))
    origin = Origin(model)
    small, note = small_rows(encoder, origin, generated(SMALL, sizes.small, photos, cache), sizes)
    large = large_row(encoder, origin, generated(LARGE, sizes.large, photos, cache), sizes)
    again = second_run_row(encoder, photo_paths(photos, sizes.photos))
    publish(Table("Ingest", [*small, large, again], [note]), results, quick)


def small_rows(encoder: ClipEncoder, origin: Origin, paths: Sequence[Path], sizes: Sizes) -> tuple[list[Row], str]:
    ingest_rate(encoder, paths[:BATCH_SIZE])
    origin.rate(encoder, paths[:4])
    all_stages: list[dict[str, float]] = []

    def bound() -> float:
        all_stages.append(stages(encoder, paths[: sizes.alone]))
        return CORES / sum(all_stages[-1].values())

    ours, sum_of_stages, alone, theirs = medians(
        sizes.rounds,
        lambda: ingest_rate(encoder, paths),
        bound,
        lambda: tower_rate(encoder, paths[: sizes.alone]),
        lambda: origin.rate(encoder, paths[: sizes.origins]),
    )
    measured, figure = "ingest of 500x375 JPEGs", per_second(ours)
    others: list[tuple[str, float, float]] = [
        ("CPU time of all stages / all cores", sum_of_stages, 0.95),
        ("the tower alone", alone, 0.75),
        ("the origin's way", theirs, 4),
    ]
    rows = [Row(measured, figure, name, per_second(rate), ours / rate, limit) for name, rate, limit in others]
    medians_of_stages = {name: statistics.median(each[name] for each in all_stages) for name in all_stages[0]}
    shown = ", ".join(f"{name} {1000 * each:.2f}" for name, each in medians_of_stages.items())
    return rows, f"CPU time of each stage alone on all cores, ms an image of 500x375: {shown}."


def large_row(encoder: ClipEncoder, origin: Origin, paths: Sequence[Path], sizes: Sizes) -> Row:
    ingest_rate(encoder, paths[:BATCH_SIZE])
    ours, theirs = medians(
        sizes.rounds,
        lambda: ingest_rate(encoder, paths),
        lambda: origin.rate(encoder, paths[: sizes.origins_large]),
    )
    name = "the origin's way"
    return Row("ingest of 12-megapixel JPEGs", per_second(ours), name, per_second(theirs), ours / theirs, 8)


def second_run_row(encoder: ClipEncoder, paths: Sequence[Path]) -> Row:
    items = items_of(paths)
    with empty_library(encoder) as library:
        first = run_rate(library, items, "new")
        again = statistics.median(run_rate(library, items, "duplicate") for _ in range(AGAIN))
    measured = "second run over an unchanged archive of small photos"
    return Row(measured, per_second(again, "files"), "the first run", per_second(first, "files"), again / first, 50)


def tower_rate(encoder: ClipEncoder, paths: Sequence[Path]) -> float:
    """Measures the tower on pixels that are ready, in batches as they come from the files."""
    tower = on_ready_pixels(encoder)
    pixels: list[Any] = [encoder.pixels([decode(path.read_bytes()).image]) for path in paths]
    return len(pixels) / seconds_of(lambda: [tower.encode_images(batch) for batch in batches(pixels)])


def stages(encoder: ClipEncoder, paths: Sequence[Path]) -> dict[str, float]:
    """Returns the CPU seconds of an image in each stage, on all cores at once: cores that share a cache slow down."""
    found: dict[str, float] = {}

    def stage(name: str, work: Callable[[Any], Any], inputs: Sequence[Any], threads: int = CORES) -> list[Any]:
        time.sleep(IDLE)
        with ThreadPoolExecutor(threads) as pool:
            started = time.process_time()
            outputs = list(pool.map(work, inputs))
        found[name] = (time.process_time() - started) / len(paths)
        return outputs

    data = stage("read", Path.read_bytes, paths)
    ids = stage("hash", content_id, data)
    pictures: list[Picture] = stage("decode", decode, data)
    thumbnails = stage("thumbnail", thumbnail, pictures)
    moments = [datetime.now(UTC) + timedelta(microseconds=number) for number in range(len(paths))]
    described = zip(ids, pictures, data, paths, moments, strict=True)
    records = [
        Record.of(id, picture, size=len(each), name=path.name, added=moment, source="benchmark", metadata={})
        for id, picture, each, path, moment in described
    ]
    images = [picture.image for picture in pictures]
    vectors = [row for part in stage("tower", encoder.encode_images, batches(images), 1) for row in part]
    rows = list(zip(batches(records), batches(vectors), strict=True))
    with temporary_folder() as folder:
        store = LocalImageStore(folder / "images")
        files = list(zip(records, data, thumbnails, strict=True))
        stage("store", lambda file: store.add(*file), files, STORE_THREADS)
        milvus = Milvus(folder / "milvus.db")
        collection = milvus.collection(encoder.info)
        collection.status()  # opens it
        stage("insert", lambda batch: collection.upsert(batch[0], np.stack(batch[1])), rows, 1)
        milvus.close()
    return found


def batches(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[start : start + BATCH_SIZE] for start in range(0, len(items), BATCH_SIZE)]


if __name__ == "__main__":
    typer.run(main)
