"""Measures the memory that large pictures take when many are decoded at once.

`python -m benchmarks.large_pictures --at-once 12` prints, for each format, the peak above what the process had before;
with `--apart` pictures are decoded in processes of their own, which count as well. `--searched` starts an app with
EDITS=none, uploads the pictures, and searches with all of them at once by its HTTP API.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path

from PIL import ExifTags, Image

from benchmarks.children import children
from library.decoders.direct import Decoder, DirectDecoder
from library.decoders.processes import DecoderProcesses
from testing.app_server import Server
from testing.callers import Caller

SIZE = (15_000, 11_900)  # 179 megapixels
FORMATS: dict[str, dict[str, int]] = {
    "PNG": {"compress_level": 1},
    "transparent PNG": {"compress_level": 1},
    "JPEG": {"quality": 60},
    "progressive JPEG": {"progressive": True},
}
ON_ITS_SIDE = 6


def own() -> list[str]:
    """Returns this process and those it started."""
    return ["self", *children()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at-once", type=int, default=12)
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--formats", nargs="*", default=[*FORMATS], choices=[*FORMATS])
    parser.add_argument("--searched", action="store_true")
    given = parser.parse_args()
    at_once, decoder = given.at_once, DecoderProcesses() if given.apart else DirectDecoder()
    print("| 179 megapixels, on its side | MB a file | at once | MiB above idle | seconds |\n|---|---:|---:|---:|---:|")
    for name in given.formats:
        data = picture(name)
        peak, seconds = searched_at_once(data, at_once) if given.searched else decoded_at_once(decoder, data, at_once)
        print(f"| {name} | {len(data) / 1e6:.0f} | {at_once} | {peak:,.0f} | {seconds:.1f} |", flush=True)


def picture(name: str) -> bytes:
    Image.MAX_IMAGE_PIXELS = None
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = ON_ITS_SIDE
    buffer = BytesIO()
    noise = Image.effect_noise((7_500, 5_950), 60).convert("RGB").resize(SIZE, Image.Resampling.NEAREST)
    if name.startswith("transparent"):
        noise.putalpha(99)
    noise.save(buffer, name.split()[-1], exif=exif, **FORMATS[name])
    return buffer.getvalue()


def decoded_at_once(decoder: Decoder, data: bytes, count: int) -> tuple[float, float]:
    """Returns the peak of memory in megabytes, and the seconds until all were decoded."""
    return peak_of([lambda: decoder.decode(data)] * count)


def searched_at_once(data: bytes, count: int) -> tuple[float, float]:
    """Returns the same of an app that is asked by its HTTP API, uploads included."""
    with tempfile.TemporaryDirectory() as folder:
        app = Server(Path(folder), EDITS="none").wait()
        number = str(app.process.pid)
        caller = Caller(app.url)
        try:
            caller.ask("search", text="red")  # loads what any search takes
            works = [partial(search_with, app.url, data + bytes([each])) for each in range(count)]
            return peak_of(works, lambda: [number, *children(number)])
        finally:
            app.stop()


def search_with(url: str, data: bytes) -> None:
    caller = Caller(url, 600)
    kind, answer = caller.ask("search", image=caller.upload("large", data))
    if kind != "complete":
        print(kind, answer)


def peak_of(works: Sequence[Callable[[], object]], processes: Callable[[], Iterable[str]] = own) -> tuple[float, float]:
    """Returns the peak of memory in MiB above that before, and the seconds until all that was done at once was over."""
    before, begun, over = memory(processes), time.perf_counter(), threading.Event()
    peaks = [before]

    def watch() -> None:
        while not over.wait(0.1):
            peaks.append(memory(processes))

    watcher = threading.Thread(target=watch)
    workers = [threading.Thread(target=work) for work in works]
    for thread in (watcher, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    over.set()
    watcher.join()
    return max(peaks) - before, time.perf_counter() - begun


def memory(processes: Callable[[], Iterable[str]] = own) -> float:
    """Returns the MiB that processes have in memory, what they share counted once."""
    return sum(map(resident, processes())) / 1024


def resident(process: str) -> int:
    """Returns the kilobytes that a process has in memory; 0 for one that has just ended."""
    with suppress(OSError):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return 0


if __name__ == "__main__":
    main()
