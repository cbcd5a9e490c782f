"""Lists the objects of buckets."""

from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from db.sources.archives import items_in_archive
from db.sources.buckets import failure, file_system
from library.archive_kinds import is_archive
from library.errors import SourceUnavailable
from library.images import check_bytes, reason_to_skip, reason_to_skip_folder
from library.ingest.items import Item
from library.messages import Message, message

NAMED_BY = "SOURCE"


def items_in_bucket(url: str) -> Iterator[Item]:
    """Yields an item for each object, and for each folder that is left out. Raises SourceUnavailable."""
    files, root = file_system(url, NAMED_BY)
    scheme = url.partition("://")[0]
    try:
        if files.info(root)["type"] == "file":
            yield from _items_of_object(files, f"{scheme}://{root}", root)
            return
        is_empty = True
        for key, details in _listed(files, root):
            is_empty = False
            below = key.removeprefix(root).lstrip("/")
            yield object_item(files, f"{scheme}://{key}", key, int(details.get("size") or 0), below)
        if is_empty:
            yield Item(url, PurePosixPath(root).name, bytes, url, skip=message("bucket_empty"))
    except FileNotFoundError:
        raise SourceUnavailable("nothing_at", url=url) from None
    except Exception as error:  # each kind of bucket has a family of exceptions of its own
        raise failure(SourceUnavailable, error, message("source_at", url=url), NAMED_BY) from error


def _items_of_object(files: Any, url: str, key: str) -> Iterator[Item]:
    if is_archive(key):
        yield from items_in_archive(url, partial(files.open, key, "rb"))
    else:
        yield Item(url, PurePosixPath(key).name, partial(_read_object, files, key, 0), url, original_at=url)


def _listed(files: Any, root: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Lists folder by folder, since a listing of everything may not fit into memory."""
    for parent, folders, found in files.walk(root, detail=True, on_error="raise"):
        for name in [name for name in folders if reason_to_skip_folder(name)]:
            del folders[name]
            yield f"{parent}/{name}/", {}
        for name, details in sorted(found.items()):
            if name:
                yield details["name"], details
            elif details["type"] == "directory":  # of keys with //: a folder without a name, which cannot be entered
                yield from sorted(files.find(parent, prefix="/", detail=True).items())
            elif details.get("size"):  # else it only marks the folder
                yield details["name"], details


def object_item(files: Any, url: str, key: str, size: int, below: str) -> Item:
    """Makes the item of an object, or of a folder that is left out; `below` is its key below what is listed."""
    skip = reason_to_skip_key(below, size)
    name = PurePosixPath(key).name
    return Item(url, name, partial(_read_object, files, key, size), url, skip=skip, original_at=url)


def reason_to_skip_key(below: str, size: int) -> Message | None:
    """Returns why an object is not even read, or a folder whose key ends in a slash not entered."""
    if not below.endswith("/"):
        return reason_to_skip(below)
    return message("key_of_folder") if size else reason_to_skip_folder(PurePosixPath(below).name)


def _read_object(files: Any, key: str, size: int) -> bytes:
    check_bytes(size)
    try:
        return bytes(files.cat_file(key))
    except OSError:
        raise
    except Exception as error:
        raise OSError(str(error)) from error
