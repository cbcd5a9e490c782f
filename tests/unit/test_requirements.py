"""Checks what is installed: ranges for those who install today, exact versions as the tests ran with."""

import os
import re
import sys

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from testing.app_server import ROOT


def requirements(name):
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text("utf-8").splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("-r ")]


def pinned(python):
    """Returns, by name, the version that the constraints choose on that Python."""
    chosen = [each for each in requirements("constraints.txt") if not each.marker or each.marker.evaluate(python)]
    return {canonicalize_name(each.name): Version(str(each.specifier).removeprefix("==")) for each in chosen}


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("file", sorted(path.name for path in ROOT.glob("requirements*.txt")))
def test_the_constraints_choose_a_version_in_every_range(file, python):
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    versions = pinned(environment)
    for each in requirements(file):
        if not each.marker or each.marker.evaluate(environment):
            assert versions[canonicalize_name(each.name)] in each.specifier, each


def test_every_python_that_is_supported_has_its_range():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    lowest, beyond = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', text).groups()
    assert (int(lowest), int(beyond)) == (11, 15)
    assert int(lowest) <= sys.version_info.minor < int(beyond)


def test_tests_that_share_what_is_costly_share_a_worker(request):
    """Checks the group that pytest-xdist appends to the name of a test, by which tests share a worker."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("one process runs all tests")
    assert request.node.nodeid.endswith("@test_requirements")
