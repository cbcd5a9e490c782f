"""Measures the memory that importing the largest files takes, from each kind of source.

`python -m benchmarks.large_files --count 24` prints, for each way, the peak above what the process had before.
"""

import random
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Annotated

import pyarrow
import pyarrow.parquet
import typer

from benchmarks.fixtures import empty_library
from benchmarks.large_pictures import peak_of
from db.sources.files import items_from
from db.sources.tables.items import items_in_table
from encoders.loading import load_encoder
from library.decoders.processes import DecoderProcesses
from library.image_library import ImageLibrary
from library.ingest.items import Item

SIDE = 9_100  # pixels: 248 MB without compression
PATTERN = 6_144  # bytes, repeated, so that an archive of two dozen stays small
WAYS = ("zip", "tar", "folder", "parquet", "two runs")


def main(
    count: Annotated[int, typer.Option(help="How many files.")] = 24,
    ways: Annotated[list[str] | None, typer.Option("--way", help="One of: " + ", ".join(WAYS))] = None,
) -> None:
    print("| BMPs of 248 MB | files | MiB above idle | seconds |\n|---|---:|---:|---:|")
    encoder = load_encoder("small")
    for way in ways or WAYS:
        decoder = DecoderProcesses()
        with tempfile.TemporaryDirectory() as folder, empty_library(encoder, decoder=decoder) as library:
            runs = made(way, Path(folder), count)
            peak, seconds = peak_of([partial(imported, library, items) for items in runs])
            print(f"| {way} | {library.status().pictures} | {peak:,.0f} | {seconds:.1f} |", flush=True)


def made(way: str, folder: Path, count: int) -> list[Callable[[], Iterable[Item]]]:
    """Writes the files and returns a function that lists them anew for each run."""
    match way:
        case "folder":
            for number in range(count):
                (folder / f"{number}.bmp").write_bytes(picture(number))
            return [lambda: items_from([str(folder)])]
        case "tar":
            with tarfile.open(folder / "a.tar", "w") as archive:
                for number in range(count):
                    (folder / "one").write_bytes(picture(number))
                    archive.add(folder / "one", f"{number}.bmp")
            return [lambda: items_from([str(folder / "a.tar")])]
        case "parquet":
            schema = pyarrow.schema([("image", pyarrow.binary())])
            with pyarrow.parquet.ParquetWriter(folder / "a.parquet", schema) as table:
                for number in range(count):
                    table.write_table(pyarrow.table({"image": [picture(number)]}, schema))
            return [lambda: items_in_table(folder / "a.parquet", "image")]
    for name in ("a.zip", "b.zip") if way == "two runs" else ("a.zip",):
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
            for number in range(count):
                packed.writestr(f"{number}.bmp", picture(number + 1000 * (name == "b.zip")))
    return [partial(items_from, [str(each)]) for each in sorted(folder.glob("*.zip"))]


def picture(number: int) -> bytes:
    """Returns a BMP of a pattern."""
    size = 3 * SIDE * SIDE
    head = b"BM" + (54 + size).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    head += (40).to_bytes(4, "little") + 2 * SIDE.to_bytes(4, "little") + b"\1\0\x18\0" + bytes(24)
    pattern = random.Random(number).randbytes(PATTERN)
    return head + pattern * (size // PATTERN) + bytes(size % PATTERN)


def imported(library: ImageLibrary, items: Callable[[], Iterable[Item]]) -> None:
    for receipt in library.add(items()):
        if receipt.status != "new":
            print(receipt)


if __name__ == "__main__":
    typer.run(main)
