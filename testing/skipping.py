"""Skips or fails a test where something that it needs is missing."""

import os
from typing import NoReturn

import pytest


def skip_or_fail(reason: str) -> NoReturn:
    """Skips a test, or fails it where LIKENESS_REQUIRE_ALL=1 is set, as in CI."""
    if os.environ.get("LIKENESS_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
