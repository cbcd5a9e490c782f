"""Draws batches of pictures by a program, with captions for each."""

from concurrent.futures import ProcessPoolExecutor
from random import Random
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from library.samples.pictures import draw


class Generated(NamedTuple):
    pixels: Tensor  # uint8, n x 3 x size x size
    captions: list[tuple[str, ...]]


def generated_pictures(count: int, size: int, seed: int, processes: int = 2) -> Generated:
    chunk = 100
    seeds = [seed * 100_003 + number for number in range(-(-count // chunk))]
    with ProcessPoolExecutor(processes) as pool:
        parts = list(pool.map(_some, seeds, [chunk] * len(seeds), [size] * len(seeds)))
    pixels = torch.from_numpy(np.concatenate([part[0] for part in parts]))
    captions = [captions for part in parts for captions in part[1]]
    return Generated(pixels.permute(0, 3, 1, 2)[:count].contiguous(), captions[:count])


def _some(seed: int, count: int, size: int) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    rng = Random(seed)
    samples = [draw(rng, size) for _ in range(count)]
    return np.stack([np.asarray(sample.image) for sample in samples]), [sample.captions for sample in samples]
