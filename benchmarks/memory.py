"""Peak memory of taking in 20,000 small photos beside that of 2,000, each in a process of its own.

python -m benchmarks.memory --photos FOLDER
"""

import os
import random
import resource
import subprocess
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from benchmarks.material import empty_library, photo_paths, temporary_folder
from benchmarks.results import RESULTS, ROOT, Photos, Quick, Results, Row, Table, publish
from db.sources import items_from
from encoders.clip import load_encoder
from tests.tiny_clip import save_tiny_clip

SOURCES = 1000
DIM = 512  # as ViT-B/32: what grows with the library is its rows


def main(
    photos: Photos,
    few: int = 2_000,
    many: int = 20_000,
    quick: Quick = False,
    results: Results = RESULTS,
    child: Annotated[str, typer.Option(hidden=True)] = "",
    model: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    if child:
        print(peak_of_taking_in(Path(child), model))
        return
    if quick:
        few, many = 200, 2_000
    with temporary_folder() as folder:
        clip = save_tiny_clip(folder / "clip", dim=DIM)
        peaks = [peak_of_child(folder / str(count), count, clip, photos) for count in (few, many)]
    row = Row(
        f"peak memory, {many:,} small photos",
        f"{peaks[1] / 2**20:.0f} MiB",
        f"{few:,}",
        f"{peaks[0] / 2**20:.0f} MiB",
        peaks[1] / peaks[0],
        at_most=1.25,
    )
    publish(Table("Memory", [row], NOTES), results, quick)


NOTES = [
    f"With a tiny CLIP of {DIM} numbers a vector, whose memory is next to none: that of ViT-B/32 would only make the "
    "ratio smaller."
]


def peak_of_child(folder: Path, count: int, clip: Path, photos: Path) -> int:
    make_variants(folder, count, photos)
    command = [sys.executable, "-m", "benchmarks.memory", f"--photos={photos}", f"--child={folder}", f"--model={clip}"]
    child = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return int(child.stdout.split()[-1])


def make_variants(folder: Path, count: int, photos: Path) -> None:
    """Photos saved again at other qualities: as many different files, each a photo."""
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


def peak_of_taking_in(folder: Path, model: str) -> int:
    encoder = load_encoder(model)
    with empty_library(encoder) as library:
        kept = sum(receipt.status in ("new", "duplicate") for receipt in library.add(items_from([str(folder)])))
        assert library.count_rows() == kept, "two variants had the same bytes"
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    typer.run(main)
