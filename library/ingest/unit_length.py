"""Tells which vectors are unit vectors, as every encoder makes them and every collection expects them."""

import numpy as np

from library.ports import Vectors

TOLERANCE = 1e-2


def are_of_unit_length(vectors: Vectors) -> list[bool]:
    """Returns for each vector whether its length is 1; a length beyond every number is none."""
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
        are: list[bool] = (np.isfinite(lengths) & (np.abs(lengths - 1) <= TOLERANCE)).tolist()
    return are
