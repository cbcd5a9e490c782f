"""Finds out whether this is a ZeroGPU Space of Hugging Face, which lends a GPU through its package `spaces`."""

import os
import threading
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def is_offered() -> bool:
    """Returns whether a GPU can be lent here, as `spaces` itself decides; elsewhere that package is not imported."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true") and find_spec("spaces") is not None


def is_chosen(device: str) -> bool:
    """Returns whether models compute on a GPU of ZeroGPU: where it is offered and no device is named."""
    return device == "auto" and is_offered()


def accept() -> Any:
    """Imports `spaces` and returns it. The first call has to come before torch looks for a GPU, on the main thread."""
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")  # what is forked asks Milvus nothing
    return import_module("spaces")


def can_place() -> bool:
    """Returns whether a model can be placed on the GPU from this thread.

    `spaces` makes torch believe in a GPU on the thread that imports it, and takes along what is there at launch.
    """
    return is_offered() and threading.current_thread() is threading.main_thread()
