"""Finds out how large weights of 8 bits may be, so that ONNX Runtime multiplies them exactly on this processor.

Without instructions of their own for 8 bits, processors of x86 add each two neighbouring products in 16 bits
(VPMADDUBSW), and what is more than 32,767 becomes that. A token's numbers go to 255, so two neighbouring weights of one
sign may be 128 together: 255 * 128 = 32,640.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

WIDTH, OUTPUTS = 64, 32
ROWS = (1, 5)  # one row alone may be computed by other code
QUIET = 3  # errors alone


@dataclass(frozen=True)
class Limit:
    """Holds what weights may be at most: each of them, and two neighbours of one sign together.

    `suffix` tells the files with such weights from those that another processor made.
    """

    each: int
    both: int
    suffix: str


WHOLE = Limit(127, 254, "")
PAIRS = Limit(127, 128, "-pairs")
SEVEN_BITS = Limit(63, 126, "-7-bits")  # whichever two are added

Product = Callable[[NDArray[np.uint8], NDArray[np.int8]], NDArray[np.float32]]


def product_by_onnx(tokens: NDArray[np.uint8], weights: NDArray[np.int8]) -> NDArray[np.float32]:
    """Returns the product of (n, width) and (width, outputs) by the operator that converted layers have.

    Raises ImportError without ONNX Runtime or onnx, and what they raise for an operator that they do not have.
    """
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    constants = {
        "weights": weights,
        "scale": np.float32(1),
        "scales": np.ones(weights.shape[1], np.float32),
        "zero": np.uint8(0),
    }
    node = helper.make_node("MatMulIntegerToFloat", ["tokens", *constants], ["found"], domain="com.microsoft")
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("tokens", TensorProto.UINT8, list(tokens.shape))],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, [len(tokens), weights.shape[1]])],
        [numpy_helper.from_array(np.asarray(each), name) for name, each in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("com.microsoft", 1)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, QUIET
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found: NDArray[np.float32] = session.run(None, {"tokens": tokens})[0]
    return found


class EightBits:
    """Holds the limit of weights on this processor, which is measured when it is first asked for."""

    def __init__(self, product: Product = product_by_onnx) -> None:
        self._product = product

    @cached_property
    def limit(self) -> Limit:
        """Returns the widest limit within which all products are exact; the narrowest where nothing can be measured."""
        try:
            return next((each for each in (WHOLE, PAIRS) if self._is_exact(each)), SEVEN_BITS)
        except Exception as error:  # of an engine that is not installed whole; a conversion says so, too
            logger.debug("weights have 7 bits: %s", error)
            return SEVEN_BITS

    def _is_exact(self, limit: Limit) -> bool:
        """Returns whether sums of either sign are right; the weights of a pair differ from those of all others."""
        rng = np.random.default_rng(0)
        weights = np.empty((WIDTH, OUTPUTS), np.int8)
        weights[::2] = rng.integers(limit.both - limit.each, limit.each, (WIDTH // 2, OUTPUTS), endpoint=True)
        weights[1::2] = limit.both - weights[::2].astype(int)
        weights[:, ::2] *= -1
        tokens = (np.full((rows, WIDTH), 255, np.uint8) for rows in ROWS)
        return all(np.array_equal(self._product(each, weights), each.astype(np.int64) @ weights) for each in tokens)
