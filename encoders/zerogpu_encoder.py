"""Encodes on ZeroGPU: the towers compute on a GPU that a Hugging Face Space lends for each call.

They compute in a worker process that is forked for the call: it has none of the app's threads, and only arrays pass
between the two. So pictures are prepared and texts are split into tokens here, and the worker runs only the towers.
"""

import copy
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from encoders import zerogpu
from encoders.clip import ClipEncoder, image_vectors
from encoders.devices import DTYPES, choose_device, choose_dtype
from encoders.loading import load_encoder
from encoders.texts import TransformersTexts
from library.messages import Message
from library.ports import EncoderInfo, Vectors
from library.search.heat import Patches

logger = logging.getLogger(__name__)

SECONDS = 20  # what a call asks for; the first one starts the worker and moves the weights
INPUTS = 256  # of a call: 150 MB of pixels
BATCH = 64
PAUSE = 60.0  # seconds without asking after no GPU was to be had

Arrays = dict[str, NDArray[Any]]
RunTower = Callable[[str, Arrays], Vectors]
T = TypeVar("T")


def load_zerogpu(
    model: str, dtype: str = "auto", text_model: str = "", subject: Message | None = None
) -> "ZeroGpuEncoder":
    """Loads a model for ZeroGPU, where `zerogpu.can_place`. Raises what `load_encoder` raises."""
    zerogpu.accept()
    on_cpu = load_encoder(model, "cpu", dtype, text_model, subject)
    device = choose_device()
    return ZeroGpuEncoder(on_cpu, device, choose_dtype(dtype, device))


class ZeroGpuEncoder:
    """Encodes on the GPU, and on the CPU while no GPU is lent."""

    def __init__(self, on_cpu: ClipEncoder, device: str, dtype: str) -> None:
        self.info: EncoderInfo = replace(on_cpu.info, device="zerogpu", dtype=dtype)
        self._on_cpu = on_cpu
        # Texts of another package's tower stay on the CPU.
        self._texts = on_cpu.texts if isinstance(on_cpu.texts, TransformersTexts) else None
        self._on_gpu: RunTower = zerogpu.accept().GPU(duration=SECONDS)(self._towers_on(device, DTYPES[dtype]))
        self._retry_at = 0.0

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Encodes RGB pictures of any size as float32 unit vectors, shape (n, dim)."""
        return self._encode("images", images, self._on_cpu.pixels, self._on_cpu.encode_images)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Encodes texts as float32 unit vectors, shape (n, dim); the end of a text beyond the context is left out."""
        if self._texts is None:
            return self._on_cpu.encode_texts(texts)
        return self._encode("texts", texts, self._texts.tokens, self._on_cpu.encode_texts)

    def encode_patches(self, image: Image.Image) -> Patches | None:
        """Encodes the patches of an RGB picture on the CPU: one picture is not worth a GPU."""
        return self._on_cpu.encode_patches(image)

    def cuts(self, text: str) -> bool:
        """Returns whether the text is longer than the tower reads."""
        return self._on_cpu.cuts(text)

    def _encode(
        self,
        kind: str,
        inputs: Sequence[T],
        prepare: Callable[[Sequence[T]], Mapping[str, torch.Tensor]],
        encode_on_cpu: Callable[[Sequence[T]], Vectors],
    ) -> Vectors:
        found = [np.empty((0, self.info.dim), np.float32)]
        for start in range(0, len(inputs), INPUTS):
            part = inputs[start : start + INPUTS]
            vectors = self._encode_on_gpu(kind, part, prepare)
            found.append(encode_on_cpu(part) if vectors is None else vectors)
        return np.concatenate(found)

    def _encode_on_gpu(
        self, kind: str, inputs: Sequence[T], prepare: Callable[[Sequence[T]], Mapping[str, torch.Tensor]]
    ) -> Vectors | None:
        """Encodes on the GPU; returns None where none is lent."""
        if time.monotonic() < self._retry_at:
            return None
        try:
            return self._on_gpu(kind, {name: each.numpy() for name, each in prepare(inputs).items()})
        except Exception as error:  # of several kinds: a quota that is used up, a full queue, a worker that died
            logger.warning("no GPU is lent, so the CPU encodes: %s", error)
            self._retry_at = time.monotonic() + PAUSE
            return None

    def _towers_on(self, device: str, dtype: torch.dtype) -> RunTower:
        """Returns copies of the towers on the GPU, which the worker runs."""
        texts = self._texts
        # In one go: where both towers are one model, there is one copy.
        towers = copy.deepcopy({"images": self._on_cpu.model, "texts": texts.model if texts else None})
        for tower in filter(None, towers.values()):
            tower.to(device, dtype)

        def vectors(kind: str, batch: Mapping[str, torch.Tensor]) -> Vectors:
            if kind == "texts" and texts:
                return texts.vectors(batch, towers[kind])
            return image_vectors(batch, towers[kind])

        def run(kind: str, inputs: Arrays) -> Vectors:
            count = len(next(iter(inputs.values())))
            parts = [slice(start, start + BATCH) for start in range(0, count, BATCH)]
            batches = [{name: torch.from_numpy(each[part]) for name, each in inputs.items()} for part in parts]
            return np.concatenate([vectors(kind, batch) for batch in batches])

        return run
