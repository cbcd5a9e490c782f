"""Reads what is known of a collection without opening it: properties that Milvus keeps with it."""

from typing import Any

from pymilvus import MilvusClient, MilvusException

from db.milvus.aliases import behind
from db.milvus.milvus_errors import is_missing
from db.milvus.schema import TIMEOUT, stored_rows, vector_dim
from library.ports import EncoderInfo, StoredCollection
from library.times import iso_now

MODEL, FINGERPRINT, CREATED = "likeness.model", "likeness.fingerprint", "likeness.created"


def labels(encoder: EncoderInfo) -> dict[str, str]:
    """Returns the properties by which a collection is known to be of this encoder."""
    return {MODEL: encoder.name, FINGERPRINT: encoder.fingerprint}


def made_now(labels: dict[str, str]) -> dict[str, str]:
    """Returns the properties with the present time as that of the collection's creation."""
    return {**labels, CREATED: iso_now("seconds")}


def labels_of(client: MilvusClient, name: str) -> dict[str, Any]:
    """Reads those of our properties that Milvus keeps with a collection."""
    described = client.describe_collection(name, timeout=TIMEOUT)
    return {key: value for key, value in described["properties"].items() if key.startswith("likeness.")}


def described(client: MilvusClient, name: str, rows: int | None, of: dict[str, str]) -> StoredCollection:
    """Describes a collection. `rows` are given where they were counted; else Milvus says how many are stored.

    `of` are the labels of its encoder, where that is known: collections of earlier versions have none of their own.
    """
    known = of | labels_of(client, name)
    return StoredCollection(
        name,
        known.get(MODEL, ""),
        known.get(FINGERPRINT, ""),
        vector_dim(client, name),
        stored_rows(client, name) if rows is None else rows,
        known.get(CREATED, ""),
    )


def drop_all(client: MilvusClient, name: str) -> None:
    """Drops a collection with its alias and whatever a rebuild has begun. It may be repeated."""
    collections = behind(client, name)
    if collections and name not in collections:
        try:
            client.drop_alias(name, timeout=TIMEOUT)
        except MilvusException as error:
            if not is_missing(error):
                raise
    for collection in collections:
        client.drop_collection(collection, timeout=TIMEOUT)
