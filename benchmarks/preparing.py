"""Times how a picture becomes what the image tower sees, beside the family's own processor, by turns in one process.

python -m benchmarks.preparing --photos FOLDER

It measures the processor's time of one thread, so that other work on the machine disturbs it little.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import typer
from PIL import Image
from transformers import AutoImageProcessor

from benchmarks.fixtures import LARGE, SMALL, Kind, base_clip, generated
from benchmarks.results import CACHE, RESULTS, Cache, Photos, Quick, Results, Row, Table, publish
from encoders.pixels import NAME, QuickPixels, quick_pixels
from library.images import WORKING_SIDE, decode

COUNTS = {SMALL: 64, LARGE: 16}
WHOLE = 1 << 20  # a shorter side that no picture is reduced to


def main(
    photos: Photos, rounds: int = 7, quick: Quick = False, results: Results = RESULTS, cache: Cache = CACHE
) -> None:
    own = AutoImageProcessor.from_pretrained(base_clip(cache), backend="pil")
    ours = quick_pixels(own)
    assert ours, "the processor of CLIP is prepared in 8 bits"
    rows = []
    for kind, count in COUNTS.items():
        data = [path.read_bytes() for path in generated(kind, 4 if quick else count, photos, cache)]
        rows += rows_of(kind, data, own, ours, 1 if quick else rounds)
    publish(Table("Preparing", rows), results, quick)


def rows_of(kind: Kind, data: Sequence[bytes], own: Any, ours: QuickPixels, rounds: int) -> list[Row]:
    """Returns a row for the time, one for how alike the pixels are, and one for those of the reduced decoding."""
    reduced = [decode(each, WORKING_SIDE).image for each in data]

    def by_family(image: Image.Image) -> torch.Tensor:
        return torch.as_tensor(own(images=[image], return_tensors="pt")[NAME])

    def by_us(image: Image.Image) -> torch.Tensor:
        return ours([image])[NAME]

    taken = [(milliseconds(by_family, reduced), milliseconds(by_us, reduced)) for _ in range(rounds)]
    slow, fast = (statistics.median(each) for each in zip(*taken, strict=True))
    alike = [alikeness(by_us(image), by_family(image), ours) for image in reduced]
    whole = [
        alikeness(by_us(image), by_family(decode(each, WHOLE).image), ours)
        for image, each in zip(reduced, data, strict=True)
    ]
    theirs = "the family's own processor"
    return [
        Row(f"{kind.name}: prepared in 8 bits", f"{fast:.2f} ms", theirs, f"{slow:.2f} ms", slow / fast, 2),
        row_of_alike(f"{kind.name}: its pixels", alike, theirs, 0.9999),
        row_of_alike(f"{kind.name}: its pixels of the reduced decoding", whole, f"{theirs}, decoded whole", 0.999),
    ]


def row_of_alike(measured: str, alike: Sequence[tuple[float, float]], beside: str, at_least: float) -> Row:
    cosines, decibels = zip(*alike, strict=True)
    shown = f"least cosine {min(cosines):.5f}"
    return Row(measured, shown, beside, f"PSNR {statistics.mean(decibels):.1f} dB", min(cosines), at_least)


def milliseconds(prepare: Callable[[Image.Image], object], images: Sequence[Image.Image]) -> float:
    """Returns what a picture takes of the processor, on the calling thread."""
    begun = time.thread_time()
    for image in images:
        prepare(image)
    return 1000 * (time.thread_time() - begun) / len(images)


def alikeness(one: torch.Tensor, other: torch.Tensor, ours: QuickPixels) -> tuple[float, float]:
    """Returns the cosine of two prepared pictures, and their peak signal-to-noise ratio in dB."""
    cosine = float(torch.cosine_similarity(one.flatten(), other.flatten(), dim=0))
    levels = ((one - other) / ours.scale).square().mean()
    return cosine, float(10 * np.log10(255**2 / max(float(levels), 1e-9)))


if __name__ == "__main__":
    typer.run(main)
