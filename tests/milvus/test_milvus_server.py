"""Checks the tests' own Milvus server: it answers, it can crash and come back, and it keeps to itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymilvus import MilvusClient, MilvusException

from testing.milvus_server import MilvusServer

pytestmark = pytest.mark.kills_server

NAME = "server_test"


@pytest.fixture(scope="module")
def client(milvus_server: MilvusServer) -> Iterator[MilvusClient]:
    client = MilvusClient(milvus_server.uri, timeout=30)
    client.create_collection(NAME, dimension=4, metric_type="COSINE", consistency_level="Strong", timeout=60)
    client.insert(NAME, [{"id": i, "vector": [1.0, i, 0.0, 0.0]} for i in range(10)], timeout=30)
    yield client
    client.drop_collection(NAME, timeout=30)
    client.close()


def nearest(client: MilvusClient) -> list[int]:
    return list(client.search(NAME, [[1.0, 0.0, 0.0, 0.0]], limit=2, timeout=30)[0].ids)


def bound_addresses(pid: int) -> set[str]:
    """Returns the addresses, as /proc writes them, of a process's TCP sockets in our own network namespace."""
    held = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    tables = [Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    sockets = [line.split() for table in tables for line in table]
    return {socket[1].split(":")[0] for socket in sockets if f"socket:[{socket[9]}]" in held}


def test_it_finds_what_was_inserted(client: MilvusClient) -> None:
    assert nearest(client) == [0, 1]


def test_it_listens_on_loopback_only(milvus_server: MilvusServer) -> None:
    relay, server = milvus_server.pids
    assert bound_addresses(relay) == {"0100007F"}
    assert bound_addresses(server) == set()


def test_a_killed_server_fails_at_once_and_comes_back_with_its_rows(
    milvus_server: MilvusServer, client: MilvusClient
) -> None:
    milvus_server.kill()
    try:
        before = time.monotonic()
        with pytest.raises(MilvusException, match="Fail connecting"):
            nearest(client)
        assert time.monotonic() - before < 5
    finally:
        milvus_server.start()
    client.load_collection(NAME, timeout=90)
    assert nearest(client) == [0, 1]
