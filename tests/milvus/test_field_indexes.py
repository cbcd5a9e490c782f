"""Holds which fields of a collection a server indexes, and that one which refuses an index goes without it."""

import logging

import pytest
from pymilvus import DataType, MilvusClient, MilvusException

from db.milvus.database import Milvus
from db.milvus.schema import METADATA, NUMBERS, TEXTS, create, create_field_indexes
from db.milvus.server import METADATA_INDEX, Server

NAME = "indexed"


class RefusingClient:
    """Answers as a server before 2.6, which has no index for a JSON field."""

    prepare_index_params = staticmethod(MilvusClient.prepare_index_params)

    def __init__(self):
        self.made = {}

    def describe_collection(self, name, timeout=None):
        texts, numbers = (dict.fromkeys(fields, kind) for fields, kind in FIELDS)
        fields = texts | numbers | {METADATA: DataType.JSON}
        return {"fields": [{"name": field, "type": kind} for field, kind in fields.items()]}

    def list_indexes(self, name, timeout=None):
        return list(self.made)

    def create_index(self, name, index, timeout=None, sync=True):
        [asked] = [each.to_dict() for each in index]
        if asked["field_name"] == METADATA:
            raise MilvusException(1100, "create index on json field is not supported")
        self.made[asked["index_name"]] = asked


class KeepingClient(RefusingClient):
    """Takes every index, as newer servers do."""

    def create_index(self, name, index, timeout=None, sync=True):
        [asked] = [each.to_dict() for each in index]
        self.made[asked["index_name"]] = asked


FIELDS = ((TEXTS, DataType.VARCHAR), (NUMBERS, DataType.INT64))
WANTED = {**Server("http://nowhere").field_indexes("2.3.5"), METADATA: METADATA_INDEX}


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.server)])
def older(request):
    """Returns a client whose server has no index for a JSON field."""
    if request.param == "fake":
        yield RefusingClient()
        return
    server = request.getfixturevalue("milvus_server")
    milvus = Milvus(server.uri, release_after=30)
    client = milvus.connection.client()
    create(client, NAME, 8, {})
    yield client
    milvus.close()
    server.empty()


def test_a_server_that_refuses_an_index_of_the_metadata_gets_all_others_and_one_line_says_so(older, caplog):
    with caplog.at_level(logging.WARNING, "db.milvus.schema"):
        create_field_indexes(older, NAME, WANTED)
    assert {*older.list_indexes(NAME)} == {*TEXTS, *NUMBERS}
    [line] = [record.getMessage() for record in caplog.records if record.name == "db.milvus.schema"]
    assert f"filters on {METADATA} take longer, without an index" in line


def test_one_index_covers_all_keys_of_the_metadata_as_the_documentation_of_milvus_has_it():
    """Compares with https://milvus.io/docs/json-indexing.md: the field's name is the path, its values are JSON."""
    client = KeepingClient()
    create_field_indexes(client, NAME, Server("http://nowhere").field_indexes("2.6.0"))
    asked = client.made[METADATA]
    assert (asked["field_name"], asked["index_type"]) == (METADATA, "INVERTED")
    assert (asked["json_path"], asked["json_cast_type"]) == (METADATA, "JSON")


def test_an_index_that_is_there_is_not_asked_for_again():
    client = KeepingClient()
    create_field_indexes(client, NAME, WANTED)
    made = dict(client.made)
    client.create_index = None
    create_field_indexes(client, NAME, WANTED)
    assert client.made == made


@pytest.mark.parametrize(
    "version, has_index",
    [("2.3.5", False), ("2.5.27", False), ("2.6.0", True), ("2.10.1-dev", True), ("3.0.0", True), ("unknown", False)],
)
def test_an_index_of_the_metadata_is_asked_of_servers_from_2_6_on(version, has_index):
    assert (METADATA in Server("http://nowhere").field_indexes(version)) is has_index
