"""Says by which ways a tower may be computed on this machine, and what tells this machine from others."""

import hashlib
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from encoders.clip import MOST_STREAMS
from encoders.devices import has_bfloat16, has_int8
from encoders.engines.kept import FORMAT
from encoders.engines.towers import CORES, Way


def ways_of(engine: str, dtype: str, many: bool) -> list[Way]:
    """Returns the ways to measure beside float32 by torch, the most promising first.

    `many` adds those that compute several batches at the same time.
    """
    streams = min(CORES, MOST_STREAMS) if many else 1
    alone, beside = {"threads": CORES}, {"threads": CORES // streams, "streams": streams}
    spread = [alone, beside] if streams > 1 else [alone]
    ways: list[Way] = []
    if engine != "torch":
        if dtype == "auto" and has_int8():
            ways += [Way("onnx", "int8", **each) for each in spread]
        elif engine == "onnx":
            ways += [Way("onnx", "float32", **each) for each in spread]
    if engine != "onnx":
        ways += [Way("torch", "int8", **beside)] if many and has_int8() else []
        ways += [Way("torch", "bfloat16", **each) for each in spread] if has_bfloat16() else []
        ways += [Way("torch", "float32", **beside)] if streams > 1 else []
    return ways


def machine() -> str:
    """Returns what changes with anything that may make another way the quickest."""
    told = [_processor(), CORES, FORMAT, version("torch"), _version("onnxruntime")]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:12]


def _processor() -> str:
    try:
        described = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    found = re.search(r"^model name\s*: (.*)$", described, flags=re.MULTILINE)
    return found[1] if found else platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
