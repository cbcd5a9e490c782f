"""Answers each line of stdin with the time of one piece of work, in the checkout of one version, whose folder it is in.

python inside_version.py CACHE PHOTOS SMALL LARGE ROWS
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

TEXT = "a photo of a red circle"
SEARCHES = 20
BATCH = 1000


def first_of(*names: str) -> Any:
    """Imports the first of these modules that this version has."""
    for name in names:
        try:
            return import_module(name)
        except ModuleNotFoundError:
            continue
    raise ModuleNotFoundError(", ".join(names))


def encoder_of(fixtures: Any, cache: Path) -> Any:
    """Loads ViT-B/32 as this version has it at its quickest."""
    model = str(fixtures.base_clip(cache))
    if hasattr(fixtures, "quick_encoder"):
        return fixtures.quick_encoder(model)
    return first_of("encoders.loading").load_encoder(model)


def works(cache: Path, photos: Path, small: int, large: int, rows: int) -> dict[str, Callable[[], float]]:
    """Returns what can be asked for by name: two imports in pictures a second, and a text query in milliseconds."""
    fixtures = first_of("benchmarks.fixtures", "benchmarks.material")
    rate = first_of("benchmarks.importers", "benchmarks.ways_in").ingest_rate
    encoder = encoder_of(fixtures, cache)
    small_paths = fixtures.generated(fixtures.SMALL, small, photos, cache)
    large_paths = fixtures.generated(fixtures.LARGE, large, photos, cache)
    search = text_query(fixtures, encoder, rows)
    return {
        "small": lambda: rate(encoder, small_paths),
        "large": lambda: rate(encoder, large_paths),
        "text": lambda: 1000 * statistics.median(search() for _ in range(SEARCHES)),
    }


def text_query(fixtures: Any, encoder: Any, rows: int) -> Callable[[], float]:
    """Fills a library on Milvus Lite and returns a search of it, which takes the seconds that it returns."""
    pictures = first_of("testing.pictures", "tests.conftest")
    Milvus = first_of("db.milvus.database", "db.milvus").Milvus
    Query = first_of("library.search.query", "library.search").Query
    folder = fixtures.temporary_folder().__enter__()
    milvus = Milvus(folder / "milvus.db", release_after=None)
    library = fixtures.empty_library(encoder, milvus).__enter__()
    collection = milvus.collection(encoder.info)
    vectors = pictures.unit_vectors(rows, encoder.info.dim)
    for start in range(0, rows, BATCH):
        records = [pictures.record(number) for number in range(start, min(start + BATCH, rows))]
        collection.upsert(records, vectors[start : start + BATCH])
    collection.flush()
    first_of("benchmarks.backends").wait_for_index(milvus, str(collection.status().collection), rows)

    def search() -> float:
        started = time.perf_counter()
        library.search(Query.of(TEXT, limit=24))
        return time.perf_counter() - started

    return search


def main() -> None:
    sys.path.insert(0, str(Path.cwd()))
    cache, photos, *sizes = sys.argv[1:]
    known = works(Path(cache), Path(photos), *map(int, sizes))
    answers = sys.stdout
    sys.stdout = sys.stderr
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(known[line.strip()]()), file=answers, flush=True)


if __name__ == "__main__":
    main()
