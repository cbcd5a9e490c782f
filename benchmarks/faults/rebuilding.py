"""Makes the program rebuild the index of a small library: it takes NLIST for the clusters that the rows call for."""

import os
from typing import Any

from db.milvus import collection
from db.milvus.clusters import NlistRule


class Rebuilding:
    """Stands in front of the upkeep of a collection, so that its beginning can be told."""

    @staticmethod
    def prepare() -> None:
        """Has an index of fewer than NLIST clusters rebuilt."""
        wanted = int(os.environ["NLIST"])
        setattr(NlistRule, "wanted", lambda *_: wanted)  # noqa: B010
        keep_up = collection.MilvusCollection._keep_up

        def told(self: Any) -> None:
            Rebuilding.keep_up()
            keep_up(self)

        setattr(collection.MilvusCollection, "_keep_up", told)  # noqa: B010

    @staticmethod
    def keep_up() -> None:
        """Does nothing; that it is called tells that the upkeep begins."""
