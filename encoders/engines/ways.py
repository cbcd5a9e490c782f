"""Says by which ways a tower may be computed on this machine."""

from encoders.clip import MOST_STREAMS
from encoders.devices import has_bfloat16, has_int8
from encoders.engines.machine import CORES
from encoders.engines.towers import Way


def ways_of(engine: str, dtype: str, many: bool) -> list[Way]:
    """Returns the ways to measure beside float32 by torch, the most promising first.

    `many` adds those that compute several batches at the same time. With instructions for 8 bits nothing else by ONNX
    Runtime comes near them; without these, 8 bits may gain little, or nothing.
    """
    streams = min(CORES, MOST_STREAMS) if many else 1
    beside = {"threads": CORES // streams, "streams": streams}
    spread = [{"threads": CORES}, beside] if streams > 1 else [{"threads": CORES}]
    ways: list[Way] = []
    if engine != "torch" and dtype == "auto":
        ways += [Way("onnx", "int8", **each) for each in spread]
    if engine != "torch" and (dtype != "auto" or not has_int8()):
        ways += [Way("onnx", "float32", **each) for each in spread]
    if engine != "onnx" and many and has_int8():
        ways.append(Way("torch", "int8", **beside))
    if engine != "onnx" and has_bfloat16():
        ways += [Way("torch", "bfloat16", **each) for each in spread]
    if engine != "onnx" and streams > 1:
        ways.append(Way("torch", "float32", **beside))
    return ways
