"""Trains a small convolutional classifier, which learns faster from few photos than the CLIP that it then teaches."""

import time
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.small.optimizer import Average, Optimizers
from training.small.photos import Photos, balanced_batches, mixed, random_views


class Block(nn.Module):
    """Computes two convolutions and adds its input to their output, as a residual block does."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.BatchNorm2d(inside), nn.ReLU(), conv(inside, outside, stride))
        self.second = nn.Sequential(nn.BatchNorm2d(outside), nn.ReLU(), conv(outside, outside, 1))
        around: list[nn.Module] = [nn.AvgPool2d(stride)] if stride > 1 else []
        if inside != outside:
            around.append(nn.Conv2d(inside, outside, 1, bias=False))
        self.around = nn.Sequential(*around)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.around(x) + self.second(self.first(x))
        return y


def conv(inside: int, outside: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, 3, stride, 1, bias=False)


class Teacher(nn.Module):
    def __init__(self, classes: int = 101, width: int = 32, depth: int = 2) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width, 8 * width)
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 3, 2, 1, bias=False)]
        inside = widths[0]
        for stage, width in enumerate(widths):
            for number in range(depth):
                layers.append(Block(inside, width, 2 if stage and number == 0 else 1))
                inside = width
        self.body = nn.Sequential(*layers, nn.BatchNorm2d(inside), nn.ReLU())
        self.head = nn.Linear(inside, classes)

    def forward(self, views: Tensor) -> Tensor:
        return self.look(views).logits

    def look(self, views: Tensor) -> "Sight":
        """Returns the class scores, the features of 8 x 8 places, and the deeper features of 4 x 4."""
        depth = (len(self.body) - 3) // 4
        fine = self.body[: 1 + 3 * depth](views)
        coarse = self.body[1 + 3 * depth :](fine)
        return Sight(self.head(coarse.mean((2, 3))), fine, coarse)


class Sight(NamedTuple):
    logits: Tensor
    fine: Tensor
    coarse: Tensor


def soft_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    each = -(targets * F.log_softmax(logits.float(), 1)).sum(1)
    return each.mean()


def train_teacher(photos: Photos, size: int, seconds: float) -> Teacher:
    teacher: Teacher = Teacher().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    kernels = [p for p in teacher.body[1:].parameters() if p.ndim == 4]
    optimizers = Optimizers(teacher, kernels, lr=2e-3, muon_lr=0.02, decay=0.05)
    average = Average(teacher)
    start, passed, steps = time.monotonic(), 0.0, 0
    for chosen in balanced_batches(photos.labels, 128):
        labels = F.one_hot(photos.labels[chosen], 101).float()
        views, labels = mixed(random_views(photos.pixels[chosen], size), labels)
        with torch.autocast("cpu", torch.bfloat16):
            logits = teacher(views.contiguous(memory_format=torch.channels_last))
        # A little of every label: smoothing.
        value = soft_cross_entropy(logits, 0.9 * labels + 0.1 / 101)
        optimizers.step(value, passed / seconds)
        average.update(teacher)
        steps += 1
        passed = time.monotonic() - start
        if steps % 200 == 0:
            print(f"teacher: step {steps}, {passed / 60:.1f} min, loss {value.item():.2f}", flush=True)
        if passed > seconds:
            break
    print(f"teacher: {steps} steps")
    teacher.load_state_dict(average.state)
    teacher.eval()
    return teacher
