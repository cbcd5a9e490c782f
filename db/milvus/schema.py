"""Creates a collection and its index, and reads what they are made of."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from pymilvus import DataType, MilvusClient, MilvusException
from pymilvus.client.cache import GlobalCache
from pymilvus.milvus_client import IndexParams

from db.milvus.milvus_errors import is_loss, is_missing

logger = logging.getLogger(__name__)

PRIMARY_KEY = "img_path"
EMBEDDING = "img_emb"
METADATA = "meta"  # one nested value, so that no column of a user's table can overwrite a field of ours
VISITORS_PREFIX = "visitors_of_"  # before the name of the collection that all can see
VISITOR = "visitor"  # whose row it is
EXPIRES = "expires"  # when it is to be removed, in milliseconds since 1970
TEXTS = ("name", "format", "added", "source")
NUMBERS = ("width", "height", "bytes")
FIELDS = ["name", "format", "width", "height", "bytes", "added", "source"]
UNFIT = "unfit"  # of a row: the values that are not of the type of their field, by its name
SHOWN = [*FIELDS, METADATA, UNFIT]  # all of a row but its key and its vector
LONGEST_TEXT = 65_535  # bytes on a server, characters on Lite
INDEX_TYPE = "IVF_FLAT"
METRIC = "COSINE"
TIMEOUT = 10.0  # seconds
PING_TIMEOUT = 2.0
WRITE_TIMEOUT = 60.0
QUERY_TIMEOUT = 60.0  # Lite looks at the metadata of every row in Python
LOAD_TIMEOUT = 120.0
INDEX_TIMEOUT = 600.0  # Lite makes the clusters of every segment before it answers
UPSERT_ROWS = 1000  # a message holds 64 MiB


class FieldIndex(NamedTuple):
    """Names a kind of index and its parameters."""

    kind: str
    parameters: Mapping[str, str] = MappingProxyType({})


def create(client: MilvusClient, name: str, dim: int, properties: dict[str, str]) -> None:
    """Creates a collection without an index; one of visitors has fields for whose row it is, and until when."""
    schema = client.create_schema(auto_id=False, enable_dynamic_field=True)
    schema.add_field(PRIMARY_KEY, DataType.VARCHAR, is_primary=True, max_length=128)
    schema.add_field(EMBEDDING, DataType.FLOAT_VECTOR, dim=dim)
    for field in TEXTS:
        schema.add_field(field, DataType.VARCHAR, max_length=LONGEST_TEXT)
    for field in NUMBERS:
        schema.add_field(field, DataType.INT64)
    schema.add_field(METADATA, DataType.JSON)
    if name.startswith(VISITORS_PREFIX):
        schema.add_field(VISITOR, DataType.VARCHAR, max_length=64)
        schema.add_field(EXPIRES, DataType.INT64)
    # Without its index, which would make Milvus load the collection at once.
    client.create_collection(
        name, schema=schema, properties=properties, consistency_level="Session", timeout=LOAD_TIMEOUT
    )


def create_index(client: MilvusClient, name: str, nlist: int) -> None:
    """Makes the index of the vectors with `nlist` clusters, and waits for it."""
    index = client.prepare_index_params()
    # pymilvus flattens `params`; Lite reads nlist only from a nested one, a server only from the flat one.
    nested = {"nlist": nlist, "params": {"nlist": nlist}}
    index.add_index(EMBEDDING, index_type=INDEX_TYPE, metric_type=METRIC, index_name=EMBEDDING, params=nested)
    _build(client, name, EMBEDDING, index)


def create_field_indexes(client: MilvusClient, name: str, kinds: Mapping[str, FieldIndex]) -> None:
    """Indexes the fields by which searches are filtered, those of the collection that have no index yet.

    `kinds` may name fields that are not there: collections of earlier versions have few fields with a type. To be
    called before `create_index`: a server does not load again what was loaded when it got another index.
    """
    present = set(field_types(client, name)) - set(client.list_indexes(name, timeout=TIMEOUT))
    for field in sorted(present & kinds.keys()):
        index = client.prepare_index_params()
        index.add_index(field, index_name=field, index_type=kinds[field].kind, params=dict(kinds[field].parameters))
        try:
            client.create_index(name, index, timeout=INDEX_TIMEOUT, sync=False)  # filters work meanwhile
        except MilvusException as error:
            if is_loss(error) or is_missing(error):
                raise
            logger.warning("collection %s: filters on %s take longer, without an index: %s", name, field, error)


def upsert(client: MilvusClient, name: str, rows: list[dict[str, Any]]) -> None:
    """Writes rows; once more where Milvus refuses them, since the collection may have got other fields meanwhile."""
    try:
        client.upsert(name, rows, timeout=WRITE_TIMEOUT)
    except MilvusException as error:
        if is_loss(error) or is_missing(error):
            raise
        GlobalCache.schema.clear()  # pymilvus asks but once for the fields of a name
        client.upsert(name, rows, timeout=WRITE_TIMEOUT)


def field_types(client: MilvusClient, name: str) -> dict[str, DataType]:
    """Returns the fields that have columns of their own, with their types."""
    fields = client.describe_collection(name, timeout=TIMEOUT)["fields"]
    return {field["name"]: field["type"] for field in fields}


def has_typed_fields(client: MilvusClient, name: str) -> bool:
    """Tells whether the fields of a record have columns of their own, which those of earlier versions have not."""
    return METADATA in field_types(client, name)


def _build(client: MilvusClient, name: str, field: str, index: IndexParams) -> None:
    """Makes the index and waits for it, without the half second after which pymilvus looks for the first time."""
    client.create_index(name, index, timeout=INDEX_TIMEOUT, sync=False)
    if client.describe_index(name, field, timeout=TIMEOUT)["state"] != "Finished":
        client.create_index(name, index, timeout=INDEX_TIMEOUT)  # makes nothing anew, and waits


def has_index(client: MilvusClient, name: str) -> bool:
    """Tells whether the vectors have an index."""
    return EMBEDDING in client.list_indexes(name, timeout=TIMEOUT)


def index_nlist(client: MilvusClient, name: str) -> int:
    """Returns how many clusters the index has; 1 where it is of a type without any."""
    index: dict[str, Any] = client.describe_index(name, EMBEDDING, timeout=TIMEOUT)
    return int((index.get("params") or index).get("nlist", 1))  # of another type it has none


def is_index_right(client: MilvusClient, name: str) -> bool:
    """Tells whether the index is of our type and metric."""
    index: dict[str, Any] = client.describe_index(name, EMBEDDING, timeout=TIMEOUT)
    return (index.get("index_type"), index.get("metric_type")) == (INDEX_TYPE, METRIC)


def vector_dim(client: MilvusClient, name: str) -> int:
    """Returns how many numbers the vectors of a collection have."""
    fields = client.describe_collection(name, timeout=TIMEOUT)["fields"]
    return next(int(field["params"]["dim"]) for field in fields if field["name"] == EMBEDDING)


def stored_rows(client: MilvusClient, name: str) -> int:
    """Returns the row count without loading. A server counts what was flushed, and what was deleted since."""
    return int(client.get_collection_stats(name, timeout=TIMEOUT)["row_count"])


def loaded_rows(client: MilvusClient, name: str, consistency: str = "Session") -> int:
    """Counts the rows of a loaded collection, also those that were not flushed; "Strong" also those of others."""
    [row] = client.query(name, filter="", output_fields=["count(*)"], consistency_level=consistency, timeout=TIMEOUT)
    return int(row["count(*)"])
