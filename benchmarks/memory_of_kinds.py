"""Measures what pictures take of memory for each pixel while they are decoded, each in a process of its own."""

import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from library.decoders.process import DecoderProcess
from library.decoding.formats import opened_formats
from library.decoding.pixel_budget import MOST_AT_ONCE

TASKS = ("with_thumbnail", "preview")
BOUNDS = {"arguments": (), "room": MOST_AT_ONCE, "seconds": 60.0, "seconds_at_most": 300.0}


def bytes_a_pixel(path: Path, task: str) -> float:
    """Returns the bytes that the process grows by at most, for each pixel; Linux alone says it."""
    process = DecoderProcess()
    pid = process._process.pid
    try:
        before = _peak(pid)
        process.ask({"task": task, **BOUNDS}, path.read_bytes())
        grown = _peak(pid) - before
    finally:
        process.end()
    with Image.open(path) as image:
        return grown / (image.width * image.height)


def main(paths: Sequence[str]) -> None:
    """Prints a line for each picture."""
    opened_formats()
    for path in map(Path, paths):
        print(path.name, *(f"{task} {bytes_a_pixel(path, task):.1f}" for task in TASKS))


def _peak(pid: int) -> int:
    """Returns the most bytes that a process has held so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main(sys.argv[1:])
