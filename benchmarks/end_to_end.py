"""Times imports and searches end to end, with the small CLIP and with a ViT-B/32 of random weights.

python -m benchmarks.end_to_end --photos FOLDER [--count 600]
"""

import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.fixtures import quick_encoder
from db.images.local import LocalImageStore
from db.milvus.database import Milvus
from db.sources.files import items_from
from encoders.loading import load_encoder
from library.image_library import ImageLibrary
from library.ingest.items import Item
from library.models import Models, ModelSource
from library.ports import Encoder
from library.search.query import Query
from testing.tiny_clip import save_random_base_clip

QUERIES = 30


def main(
    photos: Annotated[Path, typer.Option(help="A folder of photos.")],
    count: Annotated[int, typer.Option(help="How many of them to import.")] = 600,
) -> None:
    items = random.Random(0).sample([item for item in items_from([str(photos)]) if not item.skip], count)
    print("model     precision  images/s  again images/s  text query ms (encode, load, search)  picture query ms")
    for model in ("small", str(save_random_base_clip(Path(tempfile.mkdtemp()) / "ViT-B-32"))):
        for dtype in ("auto", "float32"):
            measure(quick_encoder(model) if dtype == "auto" else load_encoder(model, dtype=dtype), items)


def measure(encoder: Encoder, items: list[Item]) -> None:
    folder = Path(tempfile.mkdtemp())
    models = Models(ModelSource(encoder.info.name, lambda: encoder))
    library = ImageLibrary(LocalImageStore(folder), models, Milvus(folder / "milvus.db"))
    library.open()
    library.count_rows()
    rates = [rate(library, items) for _ in range(2)]
    texts = [library.search(Query.of("a photo of a red circle")).timings for _ in range(QUERIES)]
    pictures = [library.search(Query.of(image=item.read())).timings.total for item in items[:QUERIES]]
    library.close()
    encode, load, search, total = (
        statistics.median(getattr(each, stage) for each in texts) for stage in ("encode", "load", "search", "total")
    )
    print(
        f"{encoder.info.name:<9} {encoder.info.dtype:<9} {rates[0]:>9.0f} {rates[1]:>15.0f}"
        f"  {total:>14.1f} ({encode:.1f}, {load:.1f}, {search:.1f})  {statistics.median(pictures):>23.1f}"
    )


def rate(library: ImageLibrary, items: list[Item]) -> float:
    started = time.perf_counter()
    done = sum(1 for _ in library.add(items))
    return done / (time.perf_counter() - started)


if __name__ == "__main__":
    typer.run(main)
