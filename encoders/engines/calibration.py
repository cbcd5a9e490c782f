"""Measures on the first pictures of a library whether 8 bits leave its answers as they are, and with what ranges."""

import copy
import hashlib
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from encoders.clip import Compute
from encoders.engines.layers import Ranges, is_patches, patches
from encoders.engines.machine import CORES
from encoders.engines.probe import Clock
from encoders.engines.towers import EXACT, Inputs, Tower, Way
from library.ports import Vectors
from library.running import background

logger = logging.getLogger(__name__)

MEASURED = 128  # pictures, on which ranges are measured
COMPARED = 128  # other pictures, whose vectors are compared
NEIGHBOURS = 10
TURNS = 8
MEAN, LEAST, OVERLAP = 0.998, 0.99, 0.95


@dataclass(frozen=True)
class Agreement:
    """Holds how alike two sets of vectors of the same pictures are: their cosines, and the share of the nearest
    neighbours that stay the same."""

    mean: float
    least: float
    overlap: float

    @property
    def is_close(self) -> bool:
        """Returns whether one may stand for the other in a collection."""
        return self.mean >= MEAN and self.least >= LEAST and self.overlap >= OVERLAP


class Calibration:
    """Collects the first many pictures that are encoded; measures them on a thread of its own once they suffice."""

    def __init__(self, tower: Tower, way: Way, on_done: Callable[[dict[str, Any]], None]) -> None:
        """Begins to collect for a tower that `way` computes until then; `on_done` gets what was measured."""
        self._tower = tower
        self._way = way
        self._on_done = on_done
        self._batches: list[Inputs] = []
        self._count = 0
        self._lock = threading.Lock()

    def collect(self, pixels: Inputs) -> None:
        """Adds the prepared pictures of a batch to those to measure with, unless there are enough."""
        with self._lock:
            if self._count >= MEASURED + COMPARED:
                return
            self._batches.append({name: _halved(each) for name, each in pixels.items()})
            self._count += len(next(iter(pixels.values())))
            if self._count >= MEASURED + COMPARED:
                background.begin(self._run, "calibration")

    def _run(self) -> None:
        torch.set_num_threads(max(1, CORES // 2))  # the other half imports
        try:
            self._on_done(calibrate(self._tower, self._way, self._batches))
        except Exception as error:
            background.check_end()
            logger.warning("the pictures of this library could not be measured: %s", error)
        finally:
            self._batches = []


def calibrate(tower: Tower, way: Way, batches: Sequence[Inputs]) -> dict[str, Any]:
    """Measures ranges on the first half of the pictures and compares on the second, as JSON can hold it.

    The tower can be computed in `static` afterwards. Raises NotPossible where it cannot be converted.
    """
    full = [{name: _restored(each) for name, each in batch.items()} for batch in batches]
    half = len(full) // 2
    tower.ranges = ranges_of(tower, full[:half])
    tower.static_name = tower.file_name(f"static-{_digest(tower.ranges)}")
    static = tower.by(Way("onnx", "static", way.threads))
    others = full[half:]
    exact = _vectors(tower.by(Way(EXACT.engine, EXACT.precision, max(1, CORES // 2))), others)
    alike = {
        name: agreement(_vectors(each, others), exact) for name, each in (("int8", tower.by(way)), ("static", static))
    }
    found = {name: {**asdict(each), "accepted": each.is_close} for name, each in alike.items()}
    gain = _times_as_fast(static, tower.by(way), others)
    return {**found, "file": tower.static_name, "times_as_fast": round(gain, 2), "pictures": sum(map(_rows, full))}


def ranges_of(tower: Tower, batches: Sequence[Inputs]) -> Ranges:
    """Returns the least and the largest that each number of a token was, before every layer that can be replaced."""
    found: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    watched = copy.deepcopy(tower.model, {id(each): each for each in tower.model.parameters()})
    for name, module in watched.named_modules():
        if type(module) is nn.Linear or is_patches(module):
            module.register_forward_pre_hook(_noting(name, found))
    for batch in batches:
        background.check_end()
        tower.vectors(batch, watched)
    return found


def agreement(vectors: Vectors, exact: Vectors) -> Agreement:
    """Returns how alike the vectors are to the exact ones of the same pictures."""
    cosines = np.sum(vectors * exact, axis=1)
    pairs = zip(_nearest(vectors), _nearest(exact), strict=True)
    same = [len(set(one) & set(other)) / len(one) for one, other in pairs]
    return Agreement(float(cosines.mean()), float(cosines.min()), float(np.mean(same)))


def chosen_after(way: Way, found: dict[str, Any]) -> Way:
    """Returns the way that is quickest among those that the library's own pictures allow."""
    if (way.engine, way.precision) != ("onnx", "int8"):
        return way
    if found["static"]["accepted"] and found["times_as_fast"] > 1:
        return Way("onnx", "static", way.threads, way.streams)
    # Torch: 8 bits were the reason to take the other engine.
    return way if found["int8"]["accepted"] else Way("torch", "float32", way.threads, way.streams)


def _noting(name: str, found: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> Callable[..., None]:
    def note(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        tokens = patches(inputs[0], module.kernel_size[0]) if isinstance(module, nn.Conv2d) else inputs[0]
        flat = tokens.reshape(-1, tokens.shape[-1])
        least, largest = flat.amin(dim=0), flat.amax(dim=0)
        if name in found:
            least, largest = torch.minimum(least, found[name][0]), torch.maximum(largest, found[name][1])
        found[name] = least.clone(), largest.clone()

    return note


def _nearest(vectors: Vectors) -> Any:
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -2)
    return np.argsort(-similar, axis=1)[:, : min(NEIGHBOURS, len(vectors) - 1)]


def _vectors(compute: Compute, batches: Sequence[Inputs]) -> Vectors:
    found = []
    for batch in batches:
        background.check_end()
        found.append(compute(batch))
    return np.concatenate(found)


def _times_as_fast(one: Compute, other: Compute, batches: Sequence[Inputs]) -> float:
    """Measures both by turns, so that what disturbs the machine meets both."""
    taken = [[Clock(0).run(each, batch)[0] for each in (one, other)] for batch in batches[:TURNS]]
    fast, slow = (min(each) for each in zip(*taken, strict=True))
    return float(slow / fast)


def _digest(ranges: Ranges) -> str:
    digest = hashlib.sha256()
    for name, both in sorted(ranges.items()):
        digest.update(name.encode() + b"".join(each.numpy().tobytes() for each in both))
    return digest.hexdigest()[:12]


def _halved(numbers: torch.Tensor) -> torch.Tensor:
    return numbers.half() if numbers.is_floating_point() else numbers


def _restored(numbers: torch.Tensor) -> torch.Tensor:
    return numbers.float() if numbers.is_floating_point() else numbers


def _rows(inputs: Inputs) -> int:
    return len(next(iter(inputs.values())))
