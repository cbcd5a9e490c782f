"""Prepares pictures for an image tower in whole numbers, where that gives what the family's own processor gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import interpolate

MODES = {Image.Resampling.BILINEAR: "bilinear", Image.Resampling.BICUBIC: "bicubic"}
NAME = "pixel_values"
TRIED = ((61, 40), (40, 61), (500, 375), (333, 512), (300, 300))  # sizes of the pictures that are compared
MOST_APART, MEAN_APART = 3.0, 0.25  # of 255 levels, as roundings of two resamplings differ

Pixels = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class QuickPixels:
    """Resizes and crops in 8 bits by torch, which has vector instructions for that, and normalises in one step.

    `short_side` keeps the shape of a picture, which is then cropped to `size`; without it, `size` is the picture's own
    (height, width) as the tower sees it. A level of 255 becomes `scale` times it plus `offset`, each by channel.
    """

    size: tuple[int, int]
    short_side: int | None
    mode: str
    scale: torch.Tensor
    offset: torch.Tensor

    def __call__(self, images: Sequence[Image.Image]) -> dict[str, torch.Tensor]:
        """Returns `pixel_values` of RGB pictures, float32, shape (n, 3, height, width)."""
        torch.set_num_threads(1)  # of this thread: one picture is too little for several
        prepared = torch.empty((len(images), 3, *self.size))
        for image, row in zip(images, prepared, strict=True):
            torch.mul(self._cropped(self._resized(image)), self.scale, out=row)
        return {NAME: prepared.add_(self.offset)}

    def _resized(self, image: Image.Image) -> torch.Tensor:
        levels = torch.from_numpy(np.array(image.convert("RGB") if image.mode != "RGB" else image))
        size = self.size
        if self.short_side:
            short, long = min(image.size), max(image.size)
            other = int(self.short_side * long / short)
            size = (self.short_side, other) if image.width >= image.height else (other, self.short_side)
        return interpolate(levels.permute(2, 0, 1)[None], size, mode=self.mode, antialias=True)[0]

    def _cropped(self, levels: torch.Tensor) -> torch.Tensor:
        height, width = self.size
        top, left = (levels.shape[1] - height) // 2, (levels.shape[2] - width) // 2
        return levels[:, top : top + height, left : left + width]


def quick_pixels(image_processor: Any) -> QuickPixels | None:
    """Returns what prepares pictures as the family's own processor does; None where it does anything else than resize,
    crop and normalise, or where the two differ by more than roundings on pictures of several shapes."""
    try:
        quick = _of(image_processor.to_dict())
        return quick if quick and all(_are_alike(quick, image_processor, size) for size in TRIED) else None
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError):
        return None


def _of(settings: Mapping[str, Any]) -> QuickPixels | None:
    mode = MODES.get(settings["resample"])
    does_all = all(settings.get(step) for step in ("do_resize", "do_rescale", "do_normalize"))
    if mode is None or not does_all or settings.get("do_pad"):
        return None
    size, short_side = settings["size"], settings["size"].get("shortest_edge")
    if short_side and not settings.get("do_center_crop"):
        return None
    cropped = settings["crop_size"] if settings.get("do_center_crop") else size
    inside = (cropped["height"], cropped["width"])
    if (short_side and max(inside) > short_side) or not (short_side or inside == (size["height"], size["width"])):
        return None
    mean, deviation = (torch.tensor(settings[name])[:, None, None] for name in ("image_mean", "image_std"))
    return QuickPixels(inside, short_side, mode, settings["rescale_factor"] / deviation, -mean / deviation)


def _are_alike(quick: QuickPixels, image_processor: Any, size: tuple[int, int]) -> bool:
    coarse = np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    own, ours = image_processor(images=[image], return_tensors="pt"), quick([image])
    if set(own) != set(ours) or own[NAME].shape != ours[NAME].shape:
        return False
    apart = ((own[NAME] - ours[NAME]) / quick.scale).abs()
    return bool(apart.max() <= MOST_APART and apart.mean() <= MEAN_APART)
