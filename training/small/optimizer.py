"""Optimizes with Muon for matrices and kernels, AdamW for the rest, both on one warm-up and decay schedule."""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn


class Muon(torch.optim.Optimizer):
    """Applies momentum whose step is made orthogonal (Jordan and others 2024): needs fewer steps than AdamW."""

    def __init__(self, params: Iterable[Tensor], lr: float = 0.02, momentum: float = 0.95, decay: float = 0.01):
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                average = self.state[param].setdefault("average", torch.zeros_like(param))
                average.lerp_(param.grad, 1 - group["momentum"])
                step = orthogonal(param.grad.lerp(average, group["momentum"]).flatten(1))
                scale = math.sqrt(max(1.0, step.shape[0] / step.shape[1]))
                param.mul_(1 - group["lr"] * group["decay"])
                param.add_(step.view_as(param), alpha=-group["lr"] * scale)


def orthogonal(matrix: Tensor) -> Tensor:
    """Returns the nearest matrix with singular values about one, by five Newton-Schulz steps."""
    x = matrix.bfloat16()
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    nearest: Tensor = x.T if tall else x
    return nearest.to(matrix.dtype)


class Optimizers:
    """Steps both optimizers; `progress` from 0 to 1 sets the learning rates."""

    def __init__(self, module: nn.Module, muon: Sequence[Tensor], lr: float, muon_lr: float, decay: float) -> None:
        chosen = {id(p) for p in muon}
        rest = [p for p in module.parameters() if id(p) not in chosen and p.requires_grad]
        weights, others = [p for p in rest if p.ndim > 1], [p for p in rest if p.ndim <= 1]
        groups = [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
        self.both: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98))]
        if muon:
            self.both.append(Muon(muon, lr=muon_lr, decay=decay))
        self.full = [[group["lr"] for group in one.param_groups] for one in self.both]
        self.params = [p for p in module.parameters() if p.requires_grad]

    def step(self, loss: Tensor, progress: float) -> None:
        factor = schedule(progress)
        for one, full in zip(self.both, self.full, strict=True):
            for group, lr in zip(one.param_groups, full, strict=True):
                group["lr"] = lr * factor
            one.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.params, 5.0)
        for one in self.both:
            one.step()


def schedule(progress: float, warm_up: float = 0.03) -> float:
    if progress < warm_up:
        return (progress + 1e-3) / warm_up
    done = (progress - warm_up) / (1 - warm_up)
    return max(0.5 * (1 + math.cos(math.pi * min(done, 1.0))), 0.001)


class Average:
    """Keeps a running mean of a module's weights, which is more accurate than the last weights."""

    def __init__(self, module: nn.Module, keep: float = 0.998) -> None:
        self.state = {name: value.detach().clone() for name, value in module.state_dict().items()}
        self.keep, self.steps = keep, 0

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        self.steps += 1
        keep = min(self.keep, self.steps / (self.steps + 10))
        for name, value in module.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[name].lerp_(value, 1 - keep)
            else:
                self.state[name].copy_(value)
