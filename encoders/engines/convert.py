"""Converts the towers that transformers has loaded into files that ONNX Runtime computes."""

import copy
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from encoders.engines.eight_bits import WHOLE, Limit
from encoders.engines.layers import Ranges, replace_layers

Precision = Literal["float32", "int8"]
Features = Callable[..., torch.Tensor]  # computes the vectors from a model and its inputs by name

OPSET = 17
OUTPUT = "vectors"


class NotConvertible(Exception):
    """Says why a tower cannot be converted."""


class _Tower(nn.Module):
    """Computes one tower of a model from inputs in an order."""

    def __init__(self, model: Any, features: Features, names: list[str]) -> None:
        super().__init__()
        self.model = model
        self._features = features
        self._names = names

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self._features(self.model, **dict(zip(self._names, inputs, strict=True)))


def image_features(model: Any, **inputs: torch.Tensor) -> torch.Tensor:
    """Computes the image tower of a model."""
    found: torch.Tensor = model.get_image_features(**inputs).pooler_output
    return found


def convert(
    model: Any,
    features: Features,
    inputs: Mapping[str, torch.Tensor],
    dynamic: Mapping[int, str],
    precision: Precision,
    file: Path,
    ranges: Ranges | None = None,
    limit: Limit = WHOLE,
) -> None:
    """Writes a tower, whose weights stay as they are, to a file of its own.

    `inputs` are an example, with at least two rows; `dynamic` names the axes of which any length will come; `limit`
    is that of weights in 8 bits. Raises NotConvertible.
    """
    # Weights are shared with the model; its layers are not.
    copied = copy.deepcopy(model, {id(each): each for each in model.parameters()})
    if precision == "int8":
        replace_layers(copied, ranges, limit)
    tower = _Tower(copied, features, list(inputs)).eval()
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about this exporter's age, and about what is constant in a trace
            torch.onnx.export(
                tower,
                tuple(inputs.values()),
                str(file),
                input_names=list(inputs),
                output_names=[OUTPUT],
                dynamic_axes={name: dict(dynamic) for name in inputs},
                opset_version=OPSET,
                dynamo=False,
            )
    except Exception as error:  # whatever tracing the code of a family may raise
        raise NotConvertible(
            f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
        ) from error
