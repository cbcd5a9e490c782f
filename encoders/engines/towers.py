"""Computes one tower of a loaded model by each engine and in each precision, beside torch in float32 as the truth."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image

from encoders.clip import ClipEncoder, Compute, image_vectors
from encoders.engines.convert import Features, Precision, convert, image_features
from encoders.engines.eight_bits import WHOLE, EightBits
from encoders.engines.kept import KeptTowers
from encoders.engines.layers import Ranges
from encoders.engines.machine import CORES
from encoders.engines.onnx_tower import OnnxTower
from encoders.int8 import int8_tower
from encoders.texts import TransformersTexts
from library.ports import Vectors

SHAPES = ((320, 240), (240, 320), (400, 200), (256, 256))  # of the pictures to measure with
TEXTS = ("a photo of a red circle", "sea", "two dogs that run over a wet beach in the evening", "a house")

Inputs = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Way:
    """Says how a tower is computed: by which engine, in which precision, on how many threads for each batch, and how
    many batches at the same time.

    `int8` has a scale for every token; `static` is 8 bits with ranges that were measured before.
    """

    engine: Literal["torch", "onnx"]
    precision: Literal["float32", "bfloat16", "int8", "static"]
    threads: int = CORES
    streams: int = 1

    def __str__(self) -> str:
        streams = f"{self.streams} x " if self.streams > 1 else ""
        return f"{self.engine} {self.precision}, {streams}{self.threads} threads"


EXACT = Way("torch", "float32")


class NotPossible(Exception):
    """Says why a tower is not computed in a way."""


class NotNow(NotPossible):
    """Says why it is not for now: the disk was full, or kept nothing."""


class Tower:
    """Computes one tower in any way. Converted towers are kept; sessions and copies are shared by ways alike."""

    def __init__(
        self,
        name: str,
        model: Any,
        features: Features,
        vectors: Callable[[Inputs, Any], Vectors],
        examples: Inputs,
        axes: Mapping[int, str],
        kept: KeptTowers,
        bits: EightBits,
    ) -> None:
        """Takes the axes of the inputs that may have any length, and `vectors`, which computes inputs by torch."""
        self.name = name
        self.model = model
        self.examples = examples
        self.vectors = vectors
        self._features = features
        self._axes = axes
        self._kept = kept
        self._bits = bits
        self._made: dict[Way, Compute] = {}
        self.kept_name = name
        self.ranges: Ranges | None = None
        self.static_name = ""  # of the tower with those ranges

    def by(self, way: Way) -> Compute:
        """Returns what computes the tower in that way. Raises NotPossible where nothing does."""
        alike = replace(way, streams=1)
        if alike not in self._made:
            self._made[alike] = self._by_onnx(way) if way.engine == "onnx" else self._by_torch(way)
        return self._made[alike]

    def file_name(self, precision: str) -> str:
        """Returns the name under which the tower is kept: in float32, or in 8 bits with weights for this processor."""
        return f"{self.kept_name}-{precision}{self._bits.limit.suffix if precision != 'float32' else ''}"

    def forget_all_but(self, *ways: Way) -> None:
        """Lets go of what no way needs any more."""
        wanted = {replace(way, streams=1) for way in ways}
        self._made = {way: made for way, made in self._made.items() if way in wanted}

    def _by_torch(self, way: Way) -> Compute:
        same = (made for made in self._made if (made.engine, made.precision) == ("torch", way.precision))
        found = next(same, None)
        model = self._made[found].keywords["model"] if found else self._of_torch(way.precision)  # type: ignore[attr-defined]
        return partial(_on_threads, vectors=self.vectors, model=model, threads=way.threads)

    def _of_torch(self, precision: str) -> Any:
        if precision == "float32":
            return self.model
        if precision == "bfloat16":
            return copy.deepcopy(self.model).to(torch.bfloat16)
        quick = int8_tower(self.model)
        if quick is None:
            raise NotPossible("torch computes this tower in 8 bits nowhere, or not faster")
        return quick

    def _by_onnx(self, way: Way) -> Compute:
        try:
            name = self.static_name if way.precision == "static" else self.file_name(way.precision)
            return OnnxTower(self._kept.tower(name, partial(self._convert, way)), way.threads)
        except Exception as error:  # of the tracing of any family, of the disk, of the engine that reads the file
            said = str(error).strip().splitlines() or [type(error).__name__]
            kind = NotNow if isinstance(error, OSError) else NotPossible
            raise kind(said[0][:200]) from error

    def _convert(self, way: Way, file: Path) -> None:
        if way.precision == "static" and self.ranges is None:
            raise NotPossible("its ranges have to be measured first")
        precision: Precision = "float32" if way.precision == "float32" else "int8"
        two = {name: each[:2] for name, each in self.examples.items()}
        ranges = self.ranges if way.precision == "static" else None
        limit = WHOLE if precision == "float32" else self._bits.limit
        convert(self.model, self._features, two, self._axes, precision, file, ranges, limit)


def image_tower(encoder: ClipEncoder, kept: KeptTowers, bits: EightBits) -> Tower:
    """Returns the image tower of an encoder, with pictures of four shapes to measure it with."""
    pixels = encoder.pixels([_picture(seed, size) for seed, size in enumerate(SHAPES)])
    return Tower("images", encoder.model, image_features, image_vectors, pixels, {0: "count"}, kept, bits)


def text_tower(texts: TransformersTexts, kept: KeptTowers, bits: EightBits) -> Tower:
    """Returns a text tower, with texts of several lengths to measure it with."""
    axes = {0: "count", 1: "length"}
    tower = Tower("texts", texts.model, texts.features, texts.vectors, texts.tokens(TEXTS), axes, kept, bits)
    tower.kept_name = texts.kept_name
    return tower


def _on_threads(inputs: Inputs, vectors: Callable[[Inputs, Any], Vectors], model: Any, threads: int) -> Vectors:
    torch.set_num_threads(threads)
    return vectors(inputs, model)


def _picture(seed: int, size: tuple[int, int]) -> Image.Image:
    """Draws soft patches of colour under fine noise."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    noisy = np.asarray(coarse) + rng.normal(0, 8, (size[1], size[0], 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
