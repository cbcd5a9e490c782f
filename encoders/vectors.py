"""Scales vectors to unit length, and sets how many cores the towers compute on."""

import os

import torch

from library.ports import Vectors


def unit_rows(features: torch.Tensor) -> Vectors:
    """Returns the rows scaled to unit length, as float32."""
    return torch.nn.functional.normalize(features.float(), dim=-1).cpu().numpy()


def on_all_cores() -> None:
    """Lets torch compute on all cores in the calling thread: a new thread would begin with the number of cores that
    was last set in another."""
    torch.set_num_threads(os.cpu_count() or 1)
