"""Makes the program rebuild the index of a small library, with NLIST clusters whatever the number of rows."""

import os
from typing import Any

from db.milvus import collection
from db.milvus.clusters import NlistRule


class Rebuilding:
    """Wraps the upkeep of a collection, so that the moment it begins is known."""

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
        """Does nothing; its call shows that the upkeep begins."""
