"""Measures the cost of decoding pictures in processes of their own during an import, beside decoding in this one.

python -m benchmarks.decoder_processes --photos FOLDER
"""

import os
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from benchmarks.children import children
from benchmarks.fixtures import LARGE, SMALL, Kind, base_clip, empty_library, generated, items_of, quick_encoder
from benchmarks.importers import run_rate
from benchmarks.results import CACHE, Cache, Photos
from library.decoders.direct import Decoder, DirectDecoder
from library.decoders.processes import DecoderProcesses
from library.ports import Encoder

TICKS = os.sysconf("SC_CLK_TCK")
COUNTS = {SMALL: 256, LARGE: 96}

Model = Annotated[str, typer.Option(help="The model that encodes; else a ViT-B/32 of random weights.")]
Rounds = Annotated[int, typer.Option(help="How often each way is measured.")]


class Spent(NamedTuple):
    """Holds the seconds of the clock and of the processor that an import took, children included."""

    wall: float
    cpu: float


def main(photos: Photos, cache: Cache = CACHE, model: Model = "", rounds: Rounds = 5) -> None:
    encoder = quick_encoder(model or str(base_clip(cache)))
    print("| pictures | ms of the processor each: in this process | apart | ratio | ratio of the time by the clock |")
    print("|---|---:|---:|---:|---:|")
    for kind, count in COUNTS.items():
        print(row(kind, encoder, generated(kind, count, photos, cache), rounds), flush=True)
    print(f"\nA process starts within {start():.2f} s of the processor.")


def row(kind: Kind, encoder: Encoder, paths: Sequence[Path], rounds: int) -> str:
    """Returns a row of the table: both ways of decoding, by turns, so that other work on the machine slows both."""
    spent(encoder, paths[:32], DirectDecoder())
    pairs = [(spent(encoder, paths, DirectDecoder()), spent(encoder, paths, DecoderProcesses())) for _ in range(rounds)]
    direct, apart = (statistics.median(pair[way].cpu for pair in pairs) * 1000 / len(paths) for way in (0, 1))
    cpu = statistics.median(apart.cpu / direct.cpu for direct, apart in pairs)
    wall = statistics.median(apart.wall / direct.wall for direct, apart in pairs)
    return f"| {len(paths)} of {kind.name} | {direct:.1f} | {apart:.1f} | {cpu:.3f} | {wall:.3f} |"


def spent(encoder: Encoder, paths: Sequence[Path], decoder: Decoder) -> Spent:
    """Returns the time of an import whose decoder processes run already."""
    with empty_library(encoder, decoder=decoder) as library:
        warm_up(decoder, paths)
        items = items_of(paths)
        wall, cpu = time.perf_counter(), cpu_seconds()
        run_rate(library, items, "new")
        return Spent(time.perf_counter() - wall, cpu_seconds() - cpu)


def warm_up(decoder: Decoder, paths: Sequence[Path]) -> None:
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(lambda path: decoder.with_thumbnail(path.read_bytes()), paths[: 4 * cores]))


def cpu_seconds() -> float:
    """Returns the seconds of the processor that this process and those it started have taken."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system + sum(map(_of_child, children()))


def start() -> float:
    """Returns the seconds of processor time until a new process can decode."""
    before = cpu_seconds()
    decoder = DecoderProcesses()
    decoder.thumbnail(TINY)
    decoder.close()
    return cpu_seconds() - before


def _of_child(pid: str) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


TINY = b"P6 1 1 255\n\x00\x00\x00"

if __name__ == "__main__":
    typer.run(main)
