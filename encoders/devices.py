"""Chooses the device that a model computes on, and its precision there."""

import platform

import torch

from library.errors import UnknownModel
from library.messages.reasons import reason_of

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(device: str = "auto") -> str:
    """Returns the device; `auto` takes a GPU where there is one. Raises UnknownModel for one that is not there."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UnknownModel("device_unusable", device=device, problem=reason_of(error)) from None
    return device


def choose_dtype(dtype: str, device: str) -> str:
    """Returns the precision that a model is loaded in; `auto` is half of it on a GPU.

    The flags of a CPU do not say whether half precision is the faster one: `encoders/engines` measures that.
    """
    if dtype != "auto":
        return dtype
    return "float32" if device == "cpu" else "float16"


def has_bfloat16() -> bool:
    """Returns whether the processor has instructions for bfloat16, which may or may not be fast."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def has_int8() -> bool:
    """Returns whether the processor has instructions for products of 8 bits that do not overflow."""
    is_x86 = platform.machine().lower() in ("x86_64", "amd64")
    return not is_x86 or bool(torch.cpu._is_vnni_supported() or torch.cpu._is_amx_tile_supported())
