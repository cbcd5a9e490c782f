"""Makes image towers whose linear layers compute in 8-bit integers, where the processor has instructions for that.

Every output of a layer and every token has a scale of its own, so that one large value does not coarsen the others, and
no picture's vector depends on its neighbours in a batch: vector-wise quantisation, Dettmers et al., LLM.int8(), 2022,
section 3.1.
"""

import copy
from typing import Any

import torch
from torch import nn

WORTH_IT = 512  # numbers a token has; narrower towers spend more on the scales than they save
LARGEST = 126  # one below what fits, since a scale rounded to bfloat16 may be a little too large
ZERO = 128  # oneDNN is fast for unsigned inputs


class Int8Linear(nn.Module):
    """Computes a linear layer in 8-bit integers; its input and output keep their type."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        weight = layer.weight.detach().float()
        scale = weight.abs().amax(dim=1).clamp_min(1e-12) / 127
        whole = torch.round(weight / scale[:, None]).to(torch.int8)
        self._weight = torch.ops.onednn.qlinear_prepack(whole, None)
        self._scale = scale
        self._zeros = torch.zeros(len(weight), dtype=torch.int32)
        self._bias = layer.bias
        self.weight = layer.weight  # shared; some towers ask of what type it is
        self._width = len(weight)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        tokens = inputs.reshape(-1, inputs.shape[-1])
        scale = LARGEST / tokens.abs().amax(dim=1, keepdim=True).clamp_min(1e-12)
        whole = (tokens * scale).round_().add_(ZERO).to(torch.uint8)
        product = torch.ops.onednn.qlinear_pointwise(
            whole, 1.0, ZERO, self._weight, self._scale, self._zeros, None, 1.0, 0, inputs.dtype, "none", [], ""
        )
        product.div_(scale)
        if self._bias is not None:
            product.add_(self._bias)
        shaped: torch.Tensor = product.view(*inputs.shape[:-1], self._width)
        return shaped


def int8_tower(model: Any) -> Any:
    """Returns the model with such layers in its image tower, None where that gains nothing.

    All other weights are shared with the model that was given.
    """
    tower = getattr(model, "vision_model", None)
    width = getattr(getattr(model.config, "vision_config", None), "hidden_size", 0)
    if tower is None or width < WORTH_IT or model.device.type != "cpu" or not _is_fast_here():
        return None
    quick = copy.deepcopy(model, {id(each): each for each in model.parameters()})
    replace_layers(quick.vision_model)
    return quick


def _is_fast_here() -> bool:
    return torch.cpu._is_vnni_supported() and hasattr(torch.ops.onednn, "qlinear_pointwise")


def replace_layers(module: nn.Module) -> None:
    """Replaces every plain linear layer of the module, in place."""
    for name, child in module.named_children():
        if type(child) is nn.Linear:  # what is derived from it may be more than that
            setattr(module, name, Int8Linear(child))
        else:
            replace_layers(child)
