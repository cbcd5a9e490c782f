"""Reads photos in class folders into one tensor, and makes the random views a tower is trained on."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

# What CLIPImageProcessor subtracts and divides by.
MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)


class Photos(NamedTuple):
    pixels: Tensor  # uint8, n x 3 x size x size
    labels: Tensor  # int64, n


def read_photos(folder: Path, classes: list[str], size: int) -> Photos:
    """Reads every photo pressed into a square, as the processor does; labels count along `classes`."""
    pixels, labels = [], []
    for label, name in enumerate(classes):
        for path in sorted((folder / name).iterdir()):
            pixels.append(square(Image.open(path), size))
            labels.append(label)
    return Photos(torch.stack(pixels), torch.tensor(labels))


def square(picture: Image.Image, size: int) -> Tensor:
    array = np.asarray(picture.convert("RGB").resize((size, size), Image.Resampling.BICUBIC))
    return torch.from_numpy(array.copy()).permute(2, 0, 1)


def split(photos: Photos, held_out: float, seed: int) -> tuple[Photos, Photos]:
    """Keeps a part of every class to choose between models, for which validation photos are never used."""
    order = torch.randperm(len(photos.labels), generator=torch.Generator().manual_seed(seed))
    kept, out = [], []
    for label in range(int(photos.labels.max()) + 1):
        mine = order[photos.labels[order] == label]
        cut = round(len(mine) * held_out)
        out.append(mine[:cut])
        kept.append(mine[cut:])
    a, b = torch.cat(kept), torch.cat(out)
    return Photos(photos.pixels[a], photos.labels[a]), Photos(photos.pixels[b], photos.labels[b])


def balanced_batches(labels: Tensor, batch: int, power: float = 0.6) -> Iterator[Tensor]:
    """Yields endless batches of indices; a class of n photos is drawn n**power as often, so rare ones count."""
    counts = torch.bincount(labels).float()
    weights = counts[labels] ** (power - 1)
    while True:
        yield torch.multinomial(weights, batch)


def normalise(pixels: Tensor) -> Tensor:
    return (pixels.float() / 255 - MEAN) / STD


def resized(pixels: Tensor, size: int) -> Tensor:
    """Returns the plain view, as the processor makes it for a picture that is already a small square."""
    if pixels.shape[-1] == size:
        return normalise(pixels)
    small = F.interpolate(pixels.float(), (size, size), mode="bicubic", antialias=True, align_corners=False)
    return normalise(small.clamp(0, 255))


def random_views(pixels: Tensor, size: int, strength: float = 1.0) -> Tensor:
    """Crops, stretches, turns, mirrors and recolours a batch at random, all at once."""
    n = len(pixels)
    area = torch.empty(n).uniform_(1 - 0.65 * strength, 1.1)
    aspect = torch.empty(n).uniform_(-0.3, 0.3).mul(strength).exp()
    angle = torch.empty(n).normal_(0, 0.12 * strength)
    flip = torch.randint(0, 2, (n,)) * 2.0 - 1
    width, height = (area * aspect).sqrt(), (area / aspect).sqrt()
    cos, sin = angle.cos(), angle.sin()
    room_x, room_y = (1 - width).abs(), (1 - height).abs()
    shift_x = torch.empty(n).uniform_(-1, 1) * room_x
    shift_y = torch.empty(n).uniform_(-1, 1) * room_y
    rows = [flip * width * cos, -height * sin, shift_x, flip * width * sin, height * cos, shift_y]
    grid = F.affine_grid(torch.stack(rows, 1).view(n, 2, 3), [n, 3, size, size], align_corners=False)
    views = F.grid_sample(pixels.float() / 255, grid, padding_mode="reflection", align_corners=False)
    return (recoloured(views, strength) - MEAN) / STD


def recoloured(views: Tensor, strength: float) -> Tensor:
    """Changes brightness, contrast and saturation; some views turn grey."""
    n = len(views)

    def around_one(spread: float) -> Tensor:
        return torch.empty(n, 1, 1, 1).uniform_(-spread, spread).mul(strength).exp()

    grey = views.mean(1, keepdim=True)
    saturation = around_one(0.5) * (torch.rand(n, 1, 1, 1) > 0.08 * strength)
    views = grey + (views - grey) * saturation
    middle = views.mean((2, 3), keepdim=True)
    views = (middle + (views - middle) * around_one(0.35)) * around_one(0.3)
    return views.clamp(0, 1)


def mixed(views: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Mixes views: half of the batches cut a box from another view (CutMix), the others blend two (Mixup)."""
    other = torch.randperm(len(views))
    if torch.rand(()) < 0.5:
        share = float(torch.distributions.Beta(0.4, 0.4).sample())
        return views * share + views[other] * (1 - share), targets * share + targets[other] * (1 - share)
    size = views.shape[-1]
    height, width = (int(x) for x in torch.randint(size // 5, int(size * 0.8), (2,)))
    top, left = int(torch.randint(0, size - height, ())), int(torch.randint(0, size - width, ()))
    views = views.clone()
    views[:, :, top : top + height, left : left + width] = views[other, :, top : top + height, left : left + width]
    share = 1 - height * width / size**2
    return views, targets * share + targets[other] * (1 - share)
