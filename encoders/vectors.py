"""What the towers share: unit vectors, and the cores they compute on."""

import os

import torch

from library.ports import Vectors


def unit_rows(features: torch.Tensor) -> Vectors:
    return torch.nn.functional.normalize(features.float(), dim=-1).cpu().numpy()


def on_all_cores() -> None:
    """For this thread; threads that begin now would take over what another thread was given."""
    torch.set_num_threads(os.cpu_count() or 1)
