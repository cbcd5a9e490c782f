"""Encodes each patch of a picture by itself, in the space of the texts.

The method is that of MaskCLIP: C. Zhou, C. C. Loy, B. Dai, Extract Free Dense Labels from CLIP, ECCV 2022. In the last
attention of the tower all patches are mixed; there each passes on its own value instead, and is projected as the whole
picture is. It takes one pass and no gradient.
"""

from collections.abc import Mapping
from typing import Any

import torch

from encoders.vectors import unit_rows
from library.search.heat import Patches

TOWER = ("embeddings", "pre_layrnorm", "encoder", "post_layernorm")  # of CLIP and those built alike
LAYER = ("self_attn", "layer_norm1")

Pixels = Mapping[str, torch.Tensor]


def patches_of(pixels: Pixels, model: Any) -> Patches | None:
    """Encodes the patches of one prepared picture; returns None for a tower of no known build."""
    tower = getattr(model, "vision_model", None)
    encode = _pooled_alone if hasattr(tower, "head") else _last_values if _is_like_clip(model, tower) else None
    if encode is None:
        return None
    inputs = {name: each.to(model.device) for name, each in pixels.items()}
    inputs["pixel_values"] = inputs["pixel_values"].to(model.dtype)
    rows, columns = _grid(inputs, model.config.vision_config.patch_size)
    with torch.inference_mode():
        each, whole = encode(inputs, model, tower)
        return Patches(unit_rows(each[: rows * columns]).reshape(rows, columns, -1), unit_rows(whole)[0])


def _is_like_clip(model: Any, tower: Any) -> bool:
    if not hasattr(model, "visual_projection") or not all(hasattr(tower, name) for name in TOWER):
        return False
    layers: Any = getattr(tower.encoder, "layers", None)
    return bool(layers) and all(hasattr(layers[-1], name) for name in LAYER)


def _last_values(inputs: Pixels, model: Any, tower: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the values of the last layer, and the picture's vector, whose token is the first.

    A patch that attends to itself alone returns its value. The layers are called one by one, since to have transformers
    keep their states would leave hooks in a model that is yet to be converted for another engine.
    """
    *layers, last = tower.encoder.layers
    states = tower.pre_layrnorm(tower.embeddings(inputs["pixel_values"]))
    for layer in layers:
        states = layer(states, attention_mask=None)
    alone = last.layer_norm1(states[0, 1:]).unsqueeze(1)
    values = last.self_attn(alone)[0][:, 0]
    first = last(states, attention_mask=None)[:, 0]
    values, first = (model.visual_projection(tower.post_layernorm(each)) for each in (values, first))
    return values, first


def _pooled_alone(inputs: Pixels, model: Any, tower: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns what the pooling of SigLIP makes of each patch alone, and of all, which is the picture's vector."""
    found = model.get_image_features(**inputs)
    return tower.head(found.last_hidden_state[0].unsqueeze(1)), found.pooler_output


def _grid(inputs: Pixels, patch_size: int) -> tuple[int, int]:
    if "spatial_shapes" in inputs:  # SigLIP 2 keeps the shape of a picture
        rows, columns = inputs["spatial_shapes"][0].tolist()
        return rows, columns
    height, width = inputs["pixel_values"].shape[-2:]
    return height // patch_size, width // patch_size
