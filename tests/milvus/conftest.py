"""Holds the databases that tests of collections run on: the fake, Milvus Lite and a real Milvus server."""

import pytest

from db.milvus.database import Milvus
from testing.fakes import MemoryDatabase
from testing.tiny_collections import encoder


@pytest.fixture
def lite(tmp_path):
    milvus = Milvus(tmp_path / "milvus.db", release_after=30)
    yield milvus
    milvus.close()


@pytest.fixture
def server(milvus_server):
    milvus = Milvus(milvus_server.uri, release_after=30)
    yield milvus
    milvus.close()
    milvus_server.empty()


@pytest.fixture(params=["memory", "lite", "server"])
def database(request):
    return MemoryDatabase() if request.param == "memory" else request.getfixturevalue(request.param)


@pytest.fixture(params=["lite", "server"])
def milvus(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def collection(database):
    return database.collection(encoder())
