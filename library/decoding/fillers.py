"""Finds the numbers that stand for no data without a tag that says so: one value, far outside all others."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

USUAL = (-999, -9999, -99_999, -999_999, -32_767, -32_768, 9999, 99_999, 999_999, 1e20, 9.96921e36)  # of GIS and netCDF
FAR_IF_USUAL = 0.25  # of the width of all others
FAR_BELOW, FAR_ABOVE = 2, 4  # a filler above looks like plain white, which may be the paper of a drawing
FEWEST_SHADES = 16  # of a picture, beside what is no usual filler; fewer are a mask or a drawing
SAMPLE = 1 << 16  # numbers
MOST_FILLERS = 3


def fillers_of(numbers: NDArray[Any]) -> list[float]:
    """Returns the numbers that mark pixels without data; the numbers given are finite."""
    found: list[float] = []
    rest = numbers.ravel()
    while rest.size and len(found) < MOST_FILLERS and (filler := _filler_in(rest)) is not None:
        found.append(filler)
        rest = rest[rest != filler]
    return found


def _filler_in(numbers: NDArray[Any]) -> float | None:
    for extreme, far in ((numbers.min(), FAR_BELOW), (numbers.max(), FAR_ABOVE)):
        others = numbers != extreme  # a mask, and no copy of what may be a gigabyte
        count = int(np.count_nonzero(others))
        is_repeated = numbers.size - count > 1
        if count and (far == FAR_BELOW or is_repeated) and _is_filler(float(extreme), far, numbers, others):
            return float(extreme)
    return None


def _is_filler(extreme: float, far: float, numbers: NDArray[Any], others: NDArray[np.bool_]) -> bool:
    low = float(np.min(numbers, where=others, initial=numbers.max()))
    high = float(np.max(numbers, where=others, initial=numbers.min()))
    gap = low - extreme if extreme < low else extreme - high
    step = max(1, numbers.size // SAMPLE)
    shades = np.unique(numbers[::step][others[::step]]).size
    if any(np.isclose(extreme, usual, rtol=1e-5) for usual in USUAL):
        return shades > 1 and gap > FAR_IF_USUAL * (high - low)
    return shades >= FEWEST_SHADES and gap > far * (high - low)
