"""Chooses the device that a model computes on, and its precision there."""

import torch

from library.errors import UnknownModel
from library.reasons import reason_of

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
    """Returns the precision; `auto` is half precision where the hardware computes in it, elsewhere float32."""
    if dtype != "auto":
        return dtype
    if device != "cpu":
        return "float16"
    # torch asks the processor: AVX-512 BF16 and AMX are the two that make bfloat16 fast.
    has_bfloat16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if has_bfloat16 else "float32"
