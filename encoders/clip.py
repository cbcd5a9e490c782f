"""Encodes with CLIP and its kin from Hugging Face: an image tower and a text tower in one vector space."""

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image

from encoders.patches import patches_of
from encoders.pixels import quick_pixels
from encoders.texts import TextTower
from encoders.vectors import unit_rows
from library.ports import EncoderInfo, Vectors
from library.search.heat import Patches

BATCH = 8  # on a CPU as fast as larger ones
TEXT_BATCH = 32  # a text has a fifth of a picture's tokens
MOST_STREAMS = 4  # batches at the same time
GPU_BATCH = 64

T = TypeVar("T")
Compute = Callable[[Mapping[str, torch.Tensor]], Vectors]  # a tower
OnBulk = Callable[[Mapping[str, torch.Tensor]], object]


class ClipEncoder:
    """Encodes with any transformers model that offers `get_image_features` and `get_text_features`.

    torch computes both towers until `compute_images` and `texts.compute_by` say otherwise.
    """

    def __init__(self, model: Any, image_processor: Any, texts: TextTower, info: EncoderInfo) -> None:
        """Takes the loaded parts of a model."""
        self.info = info
        self.model = model
        self._image_processor = image_processor
        self._quick_pixels = quick_pixels(image_processor)
        self.texts = texts
        self._batch = BATCH if info.device == "cpu" else GPU_BATCH
        self._cores = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._cores, thread_name_prefix="encode")
        streams = min(self._cores, MOST_STREAMS)
        self._towers = ThreadPoolExecutor(streams, thread_name_prefix="tower")
        self._images = ImageWay(by_torch(model, self._cores), by_torch(model, self._cores // streams), streams)
        self._on_bulk: OnBulk = lambda _: None

    def compute_images(self, way: "ImageWay") -> None:
        """Computes the image tower in another way from the next call on."""
        self._images = way

    def watch_bulk(self, on_bulk: "OnBulk") -> None:
        """Calls `on_bulk` with the prepared pictures of every batch of many, from the next call on."""
        self._on_bulk = on_bulk

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Encodes RGB pictures of any size as float32 unit vectors, shape (n, dim)."""
        if self.info.device == "cpu" and len(images) >= 2 * BATCH:
            return self._in_bulk(images)
        return self._in_batches(images, lambda batch: self._images.few(self.pixels(batch)), self._batch)

    def _in_bulk(self, images: Sequence[Image.Image]) -> Vectors:
        """Encodes several batches at once on fewer cores each: cores that share a batch wait for the slowest."""
        way, slots = self._images, threading.Semaphore(self._images.streams)

        def encode(batch: Sequence[Image.Image]) -> Vectors:
            pixels = self._together(batch)
            self._on_bulk(pixels)
            with slots:
                return way.many(pixels)

        batches = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
        return np.concatenate(list(self._towers.map(encode, batches)))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Encodes texts as float32 unit vectors, shape (n, dim); the end of a text beyond the context is left out."""
        return self._in_batches(texts, self.texts.encode, max(self._batch, TEXT_BATCH))

    def encode_patches(self, image: Image.Image) -> Patches | None:
        """Encodes the patches of an RGB picture; returns None where the model's tower has none.

        torch computes them, whatever computes the pictures: an engine returns only the vector of the whole.
        """
        torch.set_num_threads(self._cores)
        return patches_of(self._together([image]), self.model)

    def cuts(self, text: str) -> bool:
        """Returns whether the text is longer than the tower reads."""
        return self.texts.cuts(text)

    def _in_batches(self, inputs: Sequence[T], encode: Callable[[Sequence[T]], Vectors], size: int) -> Vectors:
        batches = [encode(inputs[start : start + size]) for start in range(0, len(inputs), size)]
        return np.concatenate([np.empty((0, self.info.dim), np.float32), *batches])

    def pixels(self, images: Sequence[Image.Image]) -> dict[str, torch.Tensor]:
        """Prepares pictures for the image tower; for some families that includes masks and shapes."""
        return _joined(self._pool.map(self._together, [[image] for image in images]))

    def _together(self, images: Sequence[Image.Image]) -> dict[str, torch.Tensor]:
        """Prepares pictures one after the other on the calling thread."""
        if self._quick_pixels:
            return self._quick_pixels(images)
        return _joined(self._image_processor(images=[image], return_tensors="pt") for image in images)


@dataclass(frozen=True)
class ImageWay:
    """Says what computes the image tower for a few pictures, and for many in several batches at the same time."""

    few: Compute
    many: Compute
    streams: int


def by_torch(model: Any, threads: int) -> Compute:
    """Returns what computes the image tower of a model with that many threads of the calling thread."""

    def compute(pixels: Mapping[str, torch.Tensor]) -> Vectors:
        torch.set_num_threads(threads)
        return image_vectors(pixels, model)

    return compute


def image_vectors(pixels: Mapping[str, torch.Tensor], model: Any) -> Vectors:
    """Computes the image tower of a model on prepared pictures."""
    inputs = {name: each.to(model.device) for name, each in pixels.items()}
    inputs["pixel_values"] = inputs["pixel_values"].to(model.dtype)
    with torch.inference_mode():
        return unit_rows(model.get_image_features(**inputs).pooler_output)


def _joined(pixels: Iterable[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    each = list(pixels)
    return {name: torch.cat([one[name] for one in each]) for name in each[0]}
