"""Puts collections of a server behind aliases, so that another can take the place of one while searches go on.

The collection behind it carries its nlist in its name: likeness_model_fingerprint_n128. Since nlist only grows, names
alone tell what a killed process left: a smaller one is to be dropped, a larger one to be finished. A plain collection
of that name, as older versions made it, serves as well until its index is rebuilt.
"""

import re
import time
from collections.abc import Callable
from contextlib import suppress

from pymilvus import MilvusClient, MilvusException

from db.milvus.milvus_errors import is_missing
from db.milvus.schema import TIMEOUT

ATTEMPTS = 10
MOMENT = 0.05  # seconds; a collection is without a name for two milliseconds


def name_with(name: str, nlist: int) -> str:
    """Returns the name of the collection that lies behind the alias `name`, whose index has `nlist` clusters."""
    return f"{name}_n{nlist}"


def name_without_nlist(collection: str) -> str:
    """Returns the alias that a collection lies behind; a plain collection keeps its name."""
    return re.sub(r"_n\d+$", "", collection)


def nlist_in(collection: str) -> int | None:
    """Returns the clusters that the name of a collection says; None where it is a plain one."""
    found = re.search(r"_n(\d+)$", collection)
    return int(found[1]) if found else None


def behind(client: MilvusClient, name: str) -> list[str]:
    """Returns the collections of that name, the smallest nlist first: more than one while an index is rebuilt."""
    names = client.list_collections(timeout=TIMEOUT)
    return sorted((each for each in names if name_without_nlist(each) == name), key=lambda each: nlist_in(each) or 0)


def meant_by(client: MilvusClient, name: str) -> str:
    """Returns the collection that searches find; where a kill has left it without the name, it gets the name again."""
    try:
        return _described(client, name)
    except MilvusException as error:
        collections = behind(client, name) if is_missing(error) else []
        if not collections:
            raise
    with suppress(MilvusException):  # another process was faster
        client.create_alias(collections[0], name, timeout=TIMEOUT)
    return _described(client, name)


def write_to_all(client: MilvusClient, name: str, write: Callable[[str], object]) -> None:
    """Writes to the present collection and to one that is about to replace it. `write` may be called repeatedly."""
    written: list[str] = []
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            write(name)
            if len(behind(client, name)) == 1:  # looking once, and after the write, is enough where nothing is rebuilt
                return
            while (collections := _to_write_to(client, name)) != written:
                for collection in collections:
                    write(collection)
                written = collections
            return
        except MilvusException as error:
            if not (is_missing(error) and attempts_left):
                raise
            with suppress(MilvusException):
                meant_by(client, name)  # where a kill has taken the name away, nobody else gives it back
        time.sleep(MOMENT)


def _to_write_to(client: MilvusClient, name: str) -> list[str]:
    """Returns the names to write to, the present one by its alias: a client reads its own writes only by that name."""
    meant = meant_by(client, name)
    others = [each for each in behind(client, name) if each != meant]
    before = [each for each in others if (nlist_in(each) or 0) < (nlist_in(meant) or 0)]
    return [*before, name, *others[len(before) :]]


def _described(client: MilvusClient, name: str) -> str:
    return str(client.describe_collection(name, timeout=TIMEOUT)["collection_name"])
