"""Measures the memory that large pictures take when many are decoded at once.

`python -m benchmarks.large_pictures --at-once 12` prints, for each format, the peak above what the process had before;
with `--apart` pictures are decoded in processes of their own, which count as well.
"""

import argparse
import threading
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from PIL import ExifTags, Image

from benchmarks.children import children
from library.decoders.direct import Decoder, DirectDecoder
from library.decoders.processes import DecoderProcesses

SIZE = (15_000, 11_900)  # 179 megapixels
FORMATS: dict[str, dict[str, int]] = {
    "PNG": {"compress_level": 1},
    "JPEG": {"quality": 60},
    "progressive JPEG": {"progressive": True},
}
ON_ITS_SIDE = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at-once", type=int, default=12)
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--formats", nargs="*", default=[*FORMATS], choices=[*FORMATS])
    given = parser.parse_args()
    at_once, decoder = given.at_once, DecoderProcesses() if given.apart else DirectDecoder()
    print("| 179 megapixels, on its side | at once | MB above idle | seconds |\n|---|---:|---:|---:|")
    for name in given.formats:
        data = picture(name.split()[-1], FORMATS[name])
        peak, seconds = decoded_at_once(decoder, data, at_once)
        print(f"| {name} | {at_once} | {peak:,.0f} | {seconds:.1f} |")


def picture(format: str, options: dict[str, int]) -> bytes:
    Image.MAX_IMAGE_PIXELS = None
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = ON_ITS_SIDE
    buffer = BytesIO()
    noise = Image.effect_noise((1_500, 1_190), 60).convert("RGB").resize(SIZE)
    noise.save(buffer, format, exif=exif, **options)
    return buffer.getvalue()


def decoded_at_once(decoder: Decoder, data: bytes, count: int) -> tuple[float, float]:
    """Returns the peak of memory in megabytes, and the seconds until all were decoded."""
    before, begun, over = memory(), time.perf_counter(), threading.Event()
    peaks = [before]

    def watch() -> None:
        while not over.wait(0.02):
            peaks.append(memory())

    watcher = threading.Thread(target=watch)
    decoders = [threading.Thread(target=decoder.decode, args=[data]) for _ in range(count)]
    for thread in (watcher, *decoders):
        thread.start()
    for thread in decoders:
        thread.join()
    over.set()
    watcher.join()
    return max(peaks) - before, time.perf_counter() - begun


def memory() -> float:
    """Returns the megabytes that this process and those it started have in memory, what they share counted once."""
    return sum(map(resident, ["self", *children()])) / 1024


def resident(process: str) -> int:
    """Returns the kilobytes that a process has in memory; 0 for one that has just ended."""
    with suppress(OSError):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return 0


if __name__ == "__main__":
    main()
