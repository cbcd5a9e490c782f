"""Compares the speed of the image tower with the machine's bfloat16 matrix product, and profiles its operators.

python -m benchmarks.tower
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import typer
from torch.profiler import ProfilerActivity, profile

from benchmarks.fixtures import base_clip, quick_encoder
from benchmarks.results import (
    CACHE,
    RESULTS,
    Cache,
    Quick,
    Results,
    Row,
    Table,
    medians,
    per_second,
    publish,
    readable,
    seconds,
)
from encoders.clip import ClipEncoder, image_vectors
from encoders.loading import load_encoder

GFLOP = 8.73  # an image in the tower of ViT-B/32
SIDE = 2048
PRODUCTS = 10
SHOWN = 6
HALF = "bfloat16"


def main(
    images: int = 64, rounds: int = 9, quick: Quick = False, results: Results = RESULTS, cache: Cache = CACHE
) -> None:
    if quick:
        images, rounds = 32, 3
    model = str(base_clip(cache))
    pixels = [{"pixel_values": each} for each in torch.rand(images, 1, 3, 224, 224)]
    own, chosen = map(on_ready_pixels, (load_encoder(model, dtype=HALF), quick_encoder(model)))
    product = matrix_product(HALF)

    def rate(tower: Any) -> float:
        return images / seconds(lambda: tower.encode_images(pixels))

    def bound() -> float:
        return 2 * PRODUCTS * SIDE**3 / 1e9 / seconds(product)

    measured = (lambda: rate(own), lambda: rate(chosen), bound)
    for each in measured:
        each()
    own_rate, chosen_rate, gflops = medians(rounds, *measured)

    def row(name: str, images_a_second: float, at_least: float | None) -> Row:
        return Row(
            f"image tower, {name}",
            per_second(images_a_second),
            f"{HALF} matrix product of {SIDE} x {SIDE}, {readable(gflops)} GFLOP/s / {GFLOP} GFLOP",
            per_second(gflops / GFLOP),
            images_a_second * GFLOP / gflops,
            at_least=at_least,
        )

    rows = [row(HALF, own_rate, 0.75), row("as it runs in bulk", chosen_rate, None)]
    notes = [f"Time of the cores by operator, {HALF}: {profiled(own, pixels)}."]
    publish(Table("Tower", rows, notes), results, quick)


def on_ready_pixels(encoder: ClipEncoder) -> Any:
    """Returns an encoder that takes prepared pixels, to measure its tower alone, on all cores as usual."""
    tower = copy.copy(encoder)
    tower._quick_pixels = None
    tower._image_processor = lambda images, return_tensors: images[0]
    return tower


def matrix_product(dtype: str) -> Callable[[], object]:
    matrix = torch.randn(SIDE, SIDE).to(getattr(torch, dtype))
    return lambda: [matrix @ matrix for _ in range(PRODUCTS)]


def profiled(tower: Any, pixels: Sequence[Mapping[str, torch.Tensor]]) -> str:
    """Profiles one batch on one thread, since a profiler sees only its own."""
    torch.set_num_threads(1)
    batch = tower.pixels(pixels[:8])
    image_vectors(batch, tower.model)
    with profile(activities=[ProfilerActivity.CPU]) as found:
        image_vectors(batch, tower.model)
    operators = sorted(found.key_averages(), key=lambda each: -each.self_cpu_time_total)
    whole = sum(each.self_cpu_time_total for each in operators)
    shares = [f"{each.key.removeprefix('aten::')} {each.self_cpu_time_total / whole:.0%}" for each in operators]
    return ", ".join(shares[:SHOWN])


if __name__ == "__main__":
    typer.run(main)
