"""Computes a converted tower with ONNX Runtime."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from library.ports import Vectors

QUIET = 3  # errors alone


class OnnxTower:
    """Computes unit vectors from the inputs of a tower. Safe to call from several threads."""

    def __init__(self, file: Path, threads: int) -> None:
        """Opens the file of a converted tower. Raises ImportError without ONNX Runtime, and what that raises for a file
        that it cannot read."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = QUIET
        # Threads that wait for one another would spin, which takes the processor from what answers visitors meanwhile.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self._names = [each.name for each in self._session.get_inputs()]

    def __call__(self, inputs: Mapping[str, Any]) -> Vectors:
        """Takes tensors of torch or arrays by the names of the inputs, each of shape (n, ...)."""
        features = self._session.run(None, {name: np.asarray(inputs[name]) for name in self._names})[0]
        lengths = np.linalg.norm(features, axis=1, keepdims=True)
        unit: Vectors = (features / np.maximum(lengths, 1e-12)).astype(np.float32, copy=False)
        return unit
