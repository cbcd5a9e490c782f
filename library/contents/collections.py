"""Finds, lists and drops the collections of vectors, one for each model."""

import threading

from library.errors import UnknownCollection
from library.models import Models
from library.ports import Collection, StoredCollection, VectorDatabase
from library.trash.trash import Trash


class Collections:
    """Lists and drops the collections of all models. Methods raise IndexUnavailable when Milvus does not answer."""

    def __init__(self, models: Models, database: VectorDatabase, trash: Trash, changes: threading.Lock) -> None:
        self._models = models
        self._database = database
        self._trash = trash
        self._changes = changes

    def answering(self) -> Collection:
        """Returns the collection of the model in use, once one is loaded. Raises ModelUnavailable."""
        return self._database.collection(self._models.answering().info)

    def stored(self) -> list[StoredCollection]:
        """Returns the collections of every model that pictures were encoded for."""
        return self._database.stored()

    def drop(self, name: str) -> None:
        """Moves a collection to the trash; the pictures stay. Waits for the model in use.

        Raises UnknownCollection for the collection in use and for one that is not there, and ModelUnavailable.
        """
        if name == self._database.name_of(self._models.answering().info):
            raise UnknownCollection("collection_answers", name=name)
        with self._changes:
            self._trash.discard_collection(name)
