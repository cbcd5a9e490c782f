"""Measures what it costs an import that pictures are decoded in processes of their own, beside decoding in this one.

python -m benchmarks.apart --photos FOLDER
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
from benchmarks.material import LARGE, SMALL, Kind, base_clip, empty_library, generated, items_of, quick_encoder
from benchmarks.results import CACHE, Cache, Photos
from benchmarks.ways_in import run_rate
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
    """Imports by turns, so that what disturbs the machine meets both ways."""
    spent(encoder, paths[:32], DirectDecoder())
    pairs = [(spent(encoder, paths, DirectDecoder()), spent(encoder, paths, DecoderProcesses())) for _ in range(rounds)]
    direct, apart = (statistics.median(pair[way].cpu for pair in pairs) * 1000 / len(paths) for way in (0, 1))
    cpu = statistics.median(apart.cpu / direct.cpu for direct, apart in pairs)
    wall = statistics.median(apart.wall / direct.wall for direct, apart in pairs)
    return f"| {len(paths)} of {kind.name} | {direct:.1f} | {apart:.1f} | {cpu:.3f} | {wall:.3f} |"


def spent(encoder: Encoder, paths: Sequence[Path], decoder: Decoder) -> Spent:
    """Returns what an import takes once its processes run: they start once, whatever number of pictures comes."""
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
    """Returns the seconds of the processor until a process can decode."""
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
