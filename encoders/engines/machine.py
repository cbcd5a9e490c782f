"""Tells this machine from others, by all that may make another way of computing a tower the quickest."""

import hashlib
import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from encoders.engines.kept import FORMAT

CORES = os.cpu_count() or 1


def machine() -> str:
    """Returns what changes with anything that may make another way the quickest."""
    told = [_processor(), CORES, FORMAT, version("torch"), _version("onnxruntime")]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:12]


def _processor() -> str:
    try:
        described = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    found = dict(re.findall(r"^(model name|flags|Features)\s*: (.*)$", described, flags=re.MULTILINE))
    return repr(sorted(found.items())) if found else platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
