"""Recognises the errors of Milvus for a collection that is not loaded, in the words of its versions."""

import pytest
from pymilvus import MilvusException

from db.milvus.database import Milvus
from db.milvus.milvus_errors import is_loss, is_missing, is_not_loaded
from db.milvus.server import Server
from testing.fakes import ColourEncoder


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (101, "collection not loaded[collection=1]"),
        (103, "collection not fully loaded[collection=1]"),
        (65535, "fail to Search, QueryNode ID=1, reason=collection not found"),
        (65535, "fail to Query, QueryNode ID = 6, reason=delegator closed during wait tsafe: channel not available[]"),
        (65535, "failed to get delegator -1 for channel by-dev-rootcoord-dml_13_1v0: can not find client of node -1"),
    ],
)
def test_a_collection_that_is_not_in_memory_is_loaded_again(code, message):
    assert is_not_loaded(MilvusException(code, message))


def test_a_question_is_asked_again_however_often_others_release_the_collection(tmp_path):
    milvus = Milvus(tmp_path / "milvus.db")
    handle = milvus.collection(ColourEncoder().info).handle
    refusals = [MilvusException(101, "collection not loaded[collection=1]")] * 8

    def ask(client):
        if refusals:
            raise refusals.pop()
        return "answered"

    with handle.lease.held() as generation:
        assert handle.ask(generation, ask) == "answered"
    milvus.close()


def test_a_collection_that_others_release_while_it_is_loaded_is_loaded_by_the_question(tmp_path, monkeypatch):
    milvus = Milvus(tmp_path / "milvus.db")
    handle = milvus.collection(ColourEncoder().info).handle
    loads = []

    def load_the_second_time(name, timeout=None):
        loads.append(name)
        if len(loads) == 1:
            raise MilvusException(101, "collection not loaded[collection=1]")

    def ask(client):
        if len(loads) == 1:
            raise MilvusException(101, "collection not loaded[collection=1]")
        return "answered"

    monkeypatch.setattr(milvus.connection.client(), "load_collection", load_the_second_time)
    with handle.lease.held() as generation:
        assert handle.ask(generation, ask) == "answered"
    milvus.close()


def test_a_collection_without_its_name_is_gone_and_other_refusals_are_neither():
    gone, other = MilvusException(100, "can't find collection"), MilvusException(65535, "no such field")
    assert is_missing(gone) and not is_not_loaded(gone)
    assert not is_missing(other) and not is_not_loaded(other)


def test_a_server_that_is_killed_at_work_went_away():
    for code, text in [(65535, "unrecoverable error"), (902, "node offline[node=4]"), (65535, "context canceled")]:
        ended = MilvusException(code, text)
        assert is_loss(ended)
        told = str(Server("http://host:19530").explain(ended))
        assert told.startswith("Milvus at http://host:19530 broke off: it went away") and "do the same again" in told
    assert not is_loss(MilvusException(65535, "no such field"))
