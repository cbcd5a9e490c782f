"""Measures the peak memory of importing 20,000 small photos beside that of 2,000, each in a process of its own.

python -m benchmarks.memory --photos FOLDER
"""

import os
import random
import subprocess
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from benchmarks.fixtures import base_clip, empty_library, photo_paths, quick_encoder, temporary_folder
from benchmarks.results import CACHE, RESULTS, ROOT, Cache, Photos, Quick, Results, Row, Table, publish
from db.sources.files import items_from
from library.ingest.batch import BATCH_SIZE
from runtime import ENVIRONMENT
from testing.tiny_clip import save_tiny_clip

SOURCES = 1000
DIM = 512  # as ViT-B/32: what grows with the library is its rows


def main(
    photos: Photos,
    few: int = 2_000,
    many: int = 20_000,
    quick: Quick = False,
    results: Results = RESULTS,
    cache: Cache = CACHE,
    child: Annotated[str, typer.Option(hidden=True)] = "",
    models: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    if child:
        print(*peaks_of_import(Path(child), *models.split(os.pathsep)))
        return
    if quick:
        few, many = 200, 2_000
    with temporary_folder() as folder:
        models = f"{save_tiny_clip(folder / 'clip', dim=DIM)}{os.pathsep}{base_clip(cache)}"
        (whole_few, run_few), (whole_many, run_many) = (
            peaks_of_child(folder / str(count), count, models, photos) for count in (few, many)
        )
    rows = [
        compared(f"peak memory, {many:,} small photos", whole_many, f"{few:,}", whole_few, at_most=1.25),
        compared("the same, once the models are loaded", run_many, f"{few:,}", run_few),
    ]
    publish(Table("Memory", rows, NOTES), results, quick)


def compared(measured: str, peak: int, beside: str, other: int, at_most: float | None = None) -> Row:
    return Row(measured, f"{peak / 2**20:.0f} MiB", beside, f"{other / 2**20:.0f} MiB", peak / other, at_most=at_most)


NOTES = [
    "Both engines are loaded: torch, which has read ViT-B/32, and ONNX Runtime, which has encoded a batch with it. But "
    f"a tiny CLIP of as many numbers a vector ({DIM}) encodes the photos: what the tower takes does not grow with "
    "their number."
]


def peaks_of_child(folder: Path, count: int, models: str, photos: Path) -> tuple[int, int]:
    """Imports in a child process; returns its peak memory in bytes, in all and after the models were loaded."""
    make_variants(folder, count, photos)
    command = [
        sys.executable,
        "-m",
        "benchmarks.memory",
        f"--photos={photos}",
        f"--child={folder}",
        f"--models={models}",
    ]
    environment = ENVIRONMENT | os.environ
    child = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    whole, run = map(int, child.stdout.split()[-2:])
    return whole, run


def make_variants(folder: Path, count: int, photos: Path) -> None:
    """Saves photos again at other qualities, until there is the given number of different files."""
    folder.mkdir()
    sources = photo_paths(photos, min(SOURCES, count))
    shares = [count // len(sources) + (number < count % len(sources)) for number in range(len(sources))]

    def make(number: int) -> None:
        with Image.open(sources[number]) as photo:
            photo.load()
        for variant, quality in enumerate(random.Random(number).sample(range(50, 96), shares[number])):
            buffer = BytesIO()
            photo.save(buffer, "JPEG", quality=quality)
            (folder / f"{number:05}-{variant:03}.jpg").write_bytes(buffer.getvalue())

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        deque(pool.map(make, range(len(sources))), maxlen=0)


def peaks_of_import(folder: Path, model: str, held_model: str) -> tuple[int, int]:
    encoder, held = quick_encoder(model), quick_encoder(held_model, "onnx")
    held.encode_images([Image.new("RGB", (300, 200))] * BATCH_SIZE)
    loaded = peak()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    with empty_library(encoder) as library:
        kept = sum(receipt.status in ("new", "duplicate") for receipt in library.add(items_from([str(folder)])))
        assert library.count_rows() == kept, "two variants had the same bytes"
    return max(loaded, peak()), peak()


def peak() -> int:
    """Returns the most that this process had in memory, in bytes."""
    status = Path("/proc/self/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    typer.run(main)
