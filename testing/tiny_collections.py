"""Makes what tests of collections are about: an encoder that no other test has, and the vectors of a small space."""

import uuid

import numpy as np

from library.ports import EncoderInfo

DIM = 8
X, Y, _ = np.eye(DIM, dtype=np.float32)[:3]


def encoder(dim: int = DIM) -> EncoderInfo:
    """Returns the description of an encoder with weights of its own."""
    return EncoderInfo("test/model", uuid.uuid4().hex, dim, "cpu", "float32")
