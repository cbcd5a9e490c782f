"""Makes the layers that become operators of 8-bit integers in ONNX Runtime when a tower is converted.

A layer without known ranges gives every token a scale of its own, so that no picture's vector depends on its neighbours
in a batch: vector-wise quantisation, Dettmers et al., LLM.int8(), 2022, section 3.1. A layer whose ranges are known has
one scale for all, after each number of a token was divided by what is usual for it: SmoothQuant, Xiao et al., 2023.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from encoders.engines.eight_bits import WHOLE, Limit

LARGEST = 127  # of a token's numbers, on either side of the zero
ZERO = 128  # ONNX Runtime is twelve times as fast for unsigned inputs as for signed ones
LEAST = 1e-12
FUSED = "com.microsoft::MatMulIntegerToFloat"

Ranges = Mapping[str, tuple[torch.Tensor, torch.Tensor]]  # by layer: the least and the largest of each number


class Int8Layer(nn.Module):
    """Takes the place of a linear layer in a tower that is about to be converted; it computes nothing by itself."""

    def __init__(
        self, layer: nn.Linear, ranges: tuple[torch.Tensor, torch.Tensor] | None = None, limit: Limit = WHOLE
    ) -> None:
        """Takes the limit within which the processor multiplies weights exactly."""
        super().__init__()
        self.weight = layer.weight  # some towers ask of what type it is
        weight = layer.weight.detach().float()
        bias = layer.bias.detach().float() if layer.bias is not None else torch.zeros(len(weight))
        self._bias = bias
        self._ranges: tuple[torch.Tensor, ...] | None = None
        if ranges:
            usual, scale, zero = _smoothed(weight, *ranges)
            weight = weight * usual
            self._ranges = (1 / usual, scale, zero)
        scales = _scales(weight, limit)
        self._scales = scales
        self._whole = torch.round(weight / scales[:, None]).to(torch.int8).t().contiguous()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        operands = (inputs, self._whole, self._scales, self._bias)
        computed: torch.Tensor = (
            _WithKnownRanges.apply(*operands, *self._ranges) if self._ranges else _WithScaleOfToken.apply(*operands)  # type: ignore[no-untyped-call]
        )
        return computed


class PatchLayer(nn.Module):
    """Takes the place of a convolution whose patches do not overlap: a linear layer on each of them."""

    def __init__(
        self, layer: nn.Conv2d, ranges: tuple[torch.Tensor, torch.Tensor] | None = None, limit: Limit = WHOLE
    ) -> None:
        super().__init__()
        self.weight = layer.weight
        self._side = layer.kernel_size[0]
        linear = nn.Linear(layer.weight[0].numel(), layer.out_channels, bias=layer.bias is not None)
        linear.weight = nn.Parameter(layer.weight.detach().reshape(layer.out_channels, -1))
        linear.bias = layer.bias  # type: ignore[assignment]
        self._linear = Int8Layer(linear, ranges, limit)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self._linear(patches(pixels, self._side))
        return found.permute(0, 3, 1, 2)


def patches(pixels: torch.Tensor, side: int) -> torch.Tensor:
    """Returns the patches of pictures, the numbers of each in one row: shape (n, down, across, numbers)."""
    count, channels, height, width = pixels.shape
    cut = pixels.reshape(count, channels, height // side, side, width // side, side)
    return cut.permute(0, 2, 4, 1, 3, 5).flatten(3)


def is_patches(module: nn.Module) -> bool:
    """Returns whether it is a convolution whose patches neither overlap nor leave anything out."""
    return (
        type(module) is nn.Conv2d
        and module.kernel_size == module.stride
        and module.kernel_size[0] == module.kernel_size[1]
        and module.padding in ((0, 0), "valid")
        and module.groups == 1
    )


def replace_layers(module: nn.Module, ranges: Ranges | None = None, limit: Limit = WHOLE, prefix: str = "") -> None:
    """Replaces every plain linear layer and patch embedding in place; where ranges are given, those they name."""
    for name, child in module.named_children():
        path = f"{prefix}{name}"
        if ranges is not None and type(child) in (nn.Linear, nn.Conv2d) and path not in ranges:
            continue
        known = ranges[path] if ranges is not None and path in ranges else None
        if type(child) is nn.Linear:  # what is derived from it may be more than that
            setattr(module, name, Int8Layer(child, known, limit))
        elif is_patches(child):
            setattr(module, name, PatchLayer(child, known, limit))  # type: ignore[arg-type]
        else:
            replace_layers(child, ranges, limit, f"{path}.")


def _scales(weight: torch.Tensor, limit: Limit) -> torch.Tensor:
    """Returns what each output's weights are divided by to be whole numbers within the limit."""
    scales = weight.abs().amax(dim=1) / limit.each
    if limit.both < 2 * limit.each:
        pairs = nn.functional.pad(weight, (0, weight.shape[1] % 2)).unflatten(1, (-1, 2))
        positive, negative = (each.clamp_min(0).sum(dim=2).amax(dim=1) for each in (pairs, -pairs))
        scales = torch.maximum(scales, torch.maximum(positive, negative) / (limit.both - 1))  # rounding may add one
    return scales.clamp_min(LEAST / limit.each)


def _smoothed(
    weight: torch.Tensor, least: torch.Tensor, largest: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Returns what each number of a token is divided by, and the scale and the zero of all of them after that."""
    reach = torch.maximum(-least, largest).clamp_min(1e-5)
    usual = (reach / weight.abs().amax(dim=0).clamp_min(1e-5)).sqrt()
    low, high = (least / usual).min().clamp_max(0), (largest / usual).max().clamp_min(LEAST)
    scale = (high - low) / 255
    return usual, scale, torch.round(-low / scale).clamp(0, 255).to(torch.uint8)


class _WithScaleOfToken(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: torch.Tensor, whole: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return inputs.new_zeros(*inputs.shape[:-1], whole.shape[1])

    @staticmethod
    def symbolic(g: Any, inputs: Any, whole: Any, scales: Any, bias: Any) -> Any:
        def constant(value: Any, dtype: torch.dtype = torch.float32) -> Any:
            return g.op("Constant", value_t=torch.tensor(value, dtype=dtype))

        def whole_numbers(*values: int) -> Any:
            return constant(values, torch.int64)

        width, outputs = whole.type().sizes()
        tokens = g.op("Reshape", inputs, whole_numbers(-1, width))
        reach = g.op("ReduceMax", g.op("Abs", tokens), axes_i=[-1], keepdims_i=1)
        scale = g.op("Mul", g.op("Max", reach, constant(LEAST)), constant(1 / LARGEST))
        flat = g.op("Reshape", scale, whole_numbers(-1))
        zeros = g.op("Expand", constant([ZERO], torch.uint8), g.op("Shape", flat))
        rounded = g.op("QuantizeLinear", tokens, flat, zeros, axis_i=0)
        product = g.op(FUSED, rounded, whole, constant(1.0), scales, constant(ZERO, torch.uint8))
        found = g.op("Add", g.op("Mul", product, scale), bias)
        before = g.op("Slice", g.op("Shape", inputs), whole_numbers(0), whole_numbers(-1))
        return g.op("Reshape", found, g.op("Concat", before, whole_numbers(outputs), axis_i=0))


class _WithKnownRanges(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: torch.Tensor, whole: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return inputs.new_zeros(*inputs.shape[:-1], whole.shape[1])

    @staticmethod
    def symbolic(g: Any, inputs: Any, whole: Any, scales: Any, bias: Any, factors: Any, scale: Any, zero: Any) -> Any:
        outputs = whole.type().sizes()[1]
        zeros = g.op("Constant", value_t=torch.zeros(outputs, dtype=torch.int8))
        rounded = g.op("QuantizeLinear", g.op("Mul", inputs, factors), scale, zero)
        found = g.op(FUSED, rounded, whole, scale, scales, zero, zeros, bias)
        found.setType(inputs.type().with_sizes([None] * (inputs.type().dim() - 1) + [outputs]))
        return found
