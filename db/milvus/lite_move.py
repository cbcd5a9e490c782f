"""Gives a collection of Milvus Lite typed fields by copying its rows, while searches go on."""

from collections.abc import Mapping

from pymilvus import MilvusClient

from db.milvus.aliases import behind, name_with, name_without_nlist, nlist_in
from db.milvus.catalogue import labels_of
from db.milvus.rebuild import Copy, load
from db.milvus.schema import (
    LOAD_TIMEOUT,
    TIMEOUT,
    FieldIndex,
    create,
    create_field_indexes,
    create_index,
    has_index,
)
from db.milvus.shared_lock import Locks

REPLACED = 0  # in the place of an nlist: the name of a collection that another has replaced


class LiteMove:
    """Copies the rows to a second collection, which then takes the name of the first one.

    The second one carries its nlist in its name until then. Names alone tell what a killed process left: the first
    one under its own name is to be copied, and under the name of a replaced one it is to be dropped.
    """

    def __init__(
        self,
        client: MilvusClient,
        name: str,
        dim: int,
        nlist: int,
        locks: Locks,
        field_indexes: Mapping[str, FieldIndex],
    ) -> None:
        self._client = client
        self._name = name
        self._dim = dim
        self._nlist = nlist
        self._locks = locks
        self._field_indexes = field_indexes

    def run(self) -> None:
        client, target = self._client, self._target()
        with self._locks.writing:
            if not client.has_collection(target, timeout=TIMEOUT):
                create(client, target, self._dim, labels_of(client, self._name))
            if not has_index(client, target):
                create_field_indexes(client, target, self._field_indexes)
                create_index(client, target, self._nlist)
            load(client, target)
        copy = Copy(client, self._name, target)
        copy.fill(self._locks.writing)
        with self._locks.writing:
            copy.even_out()
            client.flush(target, timeout=LOAD_TIMEOUT)
            with self._locks.searching.exclusive():
                self._replace(target)

    def _target(self) -> str:
        """Returns the collection that a killed process has begun to fill, else a new one."""
        begun = [each for each in behind(self._client, self._name) if nlist_in(each)]
        return begun[-1] if begun else name_with(self._name, self._nlist)

    def _replace(self, target: str) -> None:
        replaced = name_with(self._name, REPLACED)
        for each in (self._name, target):
            self._client.release_collection(each, timeout=TIMEOUT)
        self._client.rename_collection(self._name, replaced, timeout=TIMEOUT)
        self._client.rename_collection(target, self._name, timeout=TIMEOUT)
        self._client.drop_collection(replaced, timeout=TIMEOUT)
        load(self._client, self._name)


def finish_moves(client: MilvusClient) -> None:
    """Finishes what was killed between the first renaming and the end."""
    names = client.list_collections(timeout=TIMEOUT)
    for replaced in (each for each in names if nlist_in(each) == REPLACED):
        name = name_without_nlist(replaced)
        if name not in names:
            filled = behind(client, name)[-1]
            client.rename_collection(filled, name, timeout=TIMEOUT)
        client.drop_collection(replaced, timeout=TIMEOUT)
