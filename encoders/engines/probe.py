"""Measures the ways to compute a tower on this machine, within seconds, and says which is the quickest."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from encoders.clip import Compute
from encoders.engines.towers import EXACT, Inputs, NotNow, NotPossible, Tower, Way
from library.ports import Vectors
from library.running.background import check_end

MIN_COSINE = 0.998  # to float32, of the example that changes most
GAIN = 0.95  # of the time of float32 by torch: what gains less is not worth a change
TURNS = 4
NO_TIME = "no time was left to measure it"
SHORT = 0.5  # seconds for all examples together, else one of them has to do


@dataclass(frozen=True)
class Measured:
    """Holds what was measured of one way: the seconds of one input alone, and of each where many come at once."""

    way: Way
    one: float
    each: float
    cosine: float


@dataclass(frozen=True)
class Refused:
    """Says why a way was not measured; a later start may measure it where that `passes`."""

    way: Way
    reason: str
    passes: bool = False


class Clock:
    """Counts the seconds that may still be spent on measuring; converting is not measuring."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    def has(self, seconds: float) -> bool:
        return self._left > seconds

    def run(self, compute: Compute, inputs: Inputs, streams: int = 1) -> tuple[float, Vectors]:
        """Computes the inputs, in as many threads as there are streams; returns the seconds that each input took.

        Raises Ending where the program ends.
        """
        check_end()
        started = time.perf_counter()
        if streams == 1:
            vectors = compute(inputs)
        else:
            with ThreadPoolExecutor(streams) as pool:
                *_, vectors = pool.map(compute, [inputs] * streams)
        taken = time.perf_counter() - started
        self._left -= taken
        return taken / (streams * len(vectors)), vectors


def probe(tower: Tower, ways: Sequence[Way], clock: Clock) -> list[Measured | Refused]:
    """Measures float32 by torch and the first way, then the others in their order as long as there is time; then all
    again by turns, so that what disturbs the machine meets all of them."""
    exact, one = tower.by(EXACT), first_of(tower.examples, 1)
    vectors, several = exact(one), one  # not timed: weights come from the disk now
    early = [_measured(tower, way, one, vectors, clock) for way in ways[:1]]  # before torch has used up all time
    taken, _ = clock.run(exact, one)
    each = taken
    if 4 * taken < SHORT:
        several, early = tower.examples, []
        each, vectors = clock.run(exact, several)
    found: list[Measured | Refused] = [Measured(EXACT, taken, each, 1.0), *early]
    for way in ways[len(early) :]:
        found.append(_measured(tower, way, several, vectors, clock) if clock.has(taken / 2) else Refused(way, NO_TIME))
    for _ in range(TURNS):
        if clock.has(_cost(found, several)):
            found = [_again(tower, each, several, clock) for each in found]
    return found


def _measured(tower: Tower, way: Way, several: Inputs, exact: Vectors, clock: Clock) -> Measured | Refused:
    try:
        compute = tower.by(way)
        _, vectors = clock.run(compute, several)  # the first run takes longer
    except NotPossible as error:
        return Refused(way, str(error), passes=isinstance(error, NotNow))
    cosine = least_cosine(vectors, exact)
    if not cosine >= MIN_COSINE:
        return Refused(way, f"cosine {cosine:.4f} to float32")
    one, _ = clock.run(compute, first_of(several, 1))
    return Measured(way, one, clock.run(compute, several, way.streams)[0], cosine)


def _again(tower: Tower, found: Measured | Refused, several: Inputs, clock: Clock) -> Measured | Refused:
    """Returns the quicker ones of the figures and of those of another turn."""
    if isinstance(found, Refused):
        return found
    compute = tower.by(found.way)
    one, _ = clock.run(compute, first_of(several, 1))
    each, _ = clock.run(compute, several, found.way.streams)
    return replace(found, one=min(one, found.one), each=min(each, found.each))


def _cost(found: Sequence[Measured | Refused], several: Inputs) -> float:
    """Returns the seconds that another turn takes."""
    rows = len(next(iter(several.values())))
    return sum(each.one + each.each * rows * each.way.streams for each in found if isinstance(each, Measured))


def quickest(found: Sequence[Measured | Refused], many: bool, engine: str = "") -> Measured:
    """Returns the quickest way for one input or for many; where an engine is named, of its ways if it has any."""
    measured = [each for each in found if isinstance(each, Measured)]
    of_engine = [each for each in measured if each.way.engine == engine]

    def seconds(each: Measured) -> float:
        return each.each if many else each.one

    best = min(of_engine or measured, key=seconds)
    is_gain = bool(of_engine) or seconds(best) < GAIN * seconds(measured[0])
    return best if is_gain else measured[0]


def first_of(inputs: Inputs, count: int) -> Inputs:
    """Returns the first `count` entries of every input."""
    return {name: each[:count] for name, each in inputs.items()}


def least_cosine(one: Vectors, other: Vectors) -> float:
    """Returns the smallest cosine between the unit vectors of one row of both."""
    return float(np.min(np.sum(one * other, axis=1)))
