"""Makes a library that exports packs, and one that imports them."""

import pytest

from testing.packs import Cluster, Laptop


@pytest.fixture
def laptop(picture, tmp_path):
    return Laptop(picture, tmp_path)


@pytest.fixture
def cluster():
    return Cluster()
