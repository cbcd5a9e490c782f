"""Encodes with CLIP and its kin from Hugging Face: an image tower and a text tower in one vector space."""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image

from encoders.int8 import int8_tower
from encoders.texts import TextTower
from encoders.vectors import on_all_cores, unit_rows
from library.ports import EncoderInfo, Vectors

logger = logging.getLogger(__name__)

BATCH = 8  # on a CPU as fast as larger ones
SIDE_BY_SIDE = 4  # batches, where there are many pictures
GPU_BATCH = 64
MIN_COSINE = 0.998

T = TypeVar("T")


class ClipEncoder:
    """Encodes with any transformers model that offers `get_image_features` and `get_text_features`."""

    def __init__(
        self, model: Any, image_processor: Any, texts: TextTower, info: EncoderInfo, may_round: bool = False
    ) -> None:
        """Takes the loaded parts of a model.

        With `may_round`, many pictures at once may be encoded in 8 bits; see `_tower_for`.
        """
        self.info = info
        self.model = model
        self._bulk_model: Any = None if may_round else model
        self._choosing = threading.Lock()
        self._image_processor = image_processor
        self.texts = texts
        self._batch = BATCH if info.device == "cpu" else GPU_BATCH
        self._cores = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._cores, thread_name_prefix="encode")
        self._side_by_side = min(self._cores, SIDE_BY_SIDE)
        self._towers = ThreadPoolExecutor(self._side_by_side, thread_name_prefix="tower")

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Encodes RGB pictures of any size as float32 unit vectors, shape (n, dim)."""
        if self.info.device == "cpu" and len(images) >= 2 * BATCH:
            return self._in_bulk(images)
        return self._in_batches(images, self._encode_image_batch)

    def _in_bulk(self, images: Sequence[Image.Image]) -> Vectors:
        """Encodes several batches at once on fewer cores each: cores that share a batch wait for the slowest."""
        threads = self._cores // self._side_by_side
        batches = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
        model = self._tower_for(batches[0])

        def encode(batch: Sequence[Image.Image]) -> Vectors:
            torch.set_num_threads(threads)  # of this thread alone
            return image_vectors(_joined(self._pixels(image) for image in batch), model)

        return np.concatenate(list(self._towers.map(encode, batches)))

    def _tower_for(self, images: Sequence[Image.Image]) -> Any:
        """Returns the 8-bit tower, if its vectors of the first pictures are nearly those of the model itself."""
        with self._choosing:
            if self._bulk_model is None:
                quick = int8_tower(self.model)
                self._bulk_model = quick if quick and self._agrees(quick, images) else self.model
            return self._bulk_model

    def _agrees(self, quick: Any, images: Sequence[Image.Image]) -> bool:
        pixels = _joined(self._pixels(image) for image in images)
        cosine = float(np.min(np.sum(image_vectors(pixels, quick) * image_vectors(pixels, self.model), axis=1)))
        logger.info("8-bit image tower: %s, cosine %.4f", "used" if cosine >= MIN_COSINE else "not used", cosine)
        return cosine >= MIN_COSINE

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Encodes texts as float32 unit vectors, shape (n, dim); the end of a text beyond the context is left out."""
        return self._in_batches(texts, self.texts.encode)

    def cuts(self, text: str) -> bool:
        """Returns whether the text is longer than the tower reads."""
        return self.texts.cuts(text)

    def _in_batches(self, inputs: Sequence[T], encode: Callable[[Sequence[T]], Vectors]) -> Vectors:
        batches = [encode(inputs[start : start + self._batch]) for start in range(0, len(inputs), self._batch)]
        return np.concatenate([np.empty((0, self.info.dim), np.float32), *batches])

    def _encode_image_batch(self, images: Sequence[Image.Image]) -> Vectors:
        on_all_cores()
        return image_vectors(self.pixels(images), self.model)

    def pixels(self, images: Sequence[Image.Image]) -> dict[str, torch.Tensor]:
        """Prepares pictures for the image tower; for some families that includes masks and shapes."""
        return _joined(self._pool.map(self._pixels, images))

    def _pixels(self, image: Image.Image) -> Mapping[str, torch.Tensor]:
        pixels: Mapping[str, torch.Tensor] = self._image_processor(images=[image], return_tensors="pt")
        return pixels


def image_vectors(pixels: Mapping[str, torch.Tensor], model: Any) -> Vectors:
    """Computes the image tower of a model on prepared pictures."""
    inputs = {name: each.to(model.device) for name, each in pixels.items()}
    inputs["pixel_values"] = inputs["pixel_values"].to(model.dtype)
    with torch.inference_mode():
        return unit_rows(model.get_image_features(**inputs).pooler_output)


def _joined(pixels: Iterable[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    each = list(pixels)
    return {name: torch.cat([one[name] for one in each]) for name in each[0]}
