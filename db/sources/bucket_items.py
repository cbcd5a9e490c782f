"""Lists the pictures of a bucket, or of a folder in it, folder by folder."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import PurePosixPath
from typing import Any

from db.sources.archives.items import FindSidecars, OpenFile, items_in_archive
from db.sources.archives.parts import Parts, is_of_takeout
from db.sources.buckets import failure, file_system, read_whole
from db.sources.readers import WEB, fetched
from db.sources.sidecars.folder import Sidecars, beginning_of_sidecars, check_sidecar
from library.decoding.archive_kinds import is_archive
from library.errors import RejectedImage, SourceUnavailable
from library.images import check_bytes, reason_to_skip, reason_to_skip_folder
from library.ingest.items import Item
from library.messages import Message, message
from library.messages.reasons import reason_of
from library.running.work import Interrupted, check_stop

Details = Mapping[str, Any]


def part_in_bucket(url: str) -> tuple[str, OpenFile]:
    """Returns an archive of a bucket with its name, as one of several that are parts of one."""
    return PurePosixPath(url).name, partial(_opened, url)


def _opened(url: str) -> Any:
    files, key = file_system(url)
    return files.open(key, "rb")


def items_in_bucket(url: str, sidecars: bool | FindSidecars = True, encoding: str = "") -> Iterator[Item]:
    """Yields an item for each object below a URL, and for each folder that is left out. Raises SourceUnavailable."""
    files, root = file_system(url)
    scheme = url.partition("://")[0]
    try:
        if files.info(root)["type"] == "file":
            yield from _items_of_object(files, f"{scheme}://{root}", root, sidecars, encoding)
            return
        is_empty = True
        takeout: list[str] = []
        for key, details, beside in _listed(files, root, bool(sidecars)):
            check_stop()
            is_empty = False
            below = key.removeprefix(root).lstrip("/")
            item = object_item(files, f"{scheme}://{key}", key, _size(details), below, beside)
            if item.skip and item.skip.code == "archive_within" and is_of_takeout(item.name):
                takeout.append(key)
            else:
                yield item
        yield from _items_of_takeout(files, scheme, takeout, bool(sidecars), encoding)
        if is_empty:
            yield Item(url, PurePosixPath(root).name, bytes, url, skip=message("bucket_empty"))
    except Interrupted:
        raise
    except FileNotFoundError as error:
        cause = error.__cause__  # which tells of a web address whether anybody answered, and what
        if url.startswith("http") and isinstance(cause, Exception) and not isinstance(cause, FileNotFoundError):
            raise failure(SourceUnavailable, cause, message("source_at", url=url)) from error
        raise SourceUnavailable("nothing_at", url=url) from None
    except Exception as error:  # each kind of bucket has a family of exceptions of its own
        raise failure(SourceUnavailable, error, message("source_at", url=url)) from error


def object_item(files: Any, url: str, key: str, size: int, below: str, sidecars: Sidecars | None = None) -> Item:
    """Makes the item of an object, or of a folder that is left out; `below` is its key below what is listed."""
    name = PurePosixPath(key).name
    skip = (sidecars and sidecars.reason_if_one(name)) or reason_to_skip_key(below, size)
    describe = sidecars.describing(name) if sidecars and not skip else None
    return Item(url, name, partial(read_object, files, key, size), url, {}, skip, url, describe=describe, size=size)


def reason_to_skip_key(below: str, size: int) -> Message | None:
    """Returns why an object is not even read, or a folder whose key ends in a slash not entered."""
    if not below.endswith("/"):
        return reason_to_skip(below)
    return message("key_of_folder") if size else reason_to_skip_folder(PurePosixPath(below).name)


def sidecars_in(files: Any, folder: str, sizes: Mapping[str, int]) -> Sidecars:
    """Returns the sidecars of a folder of a bucket, given the names of all objects in it with their sizes."""

    @lru_cache(maxsize=8)  # all pictures of an album share one of them
    def read(name: str) -> bytes:
        check_sidecar(sizes[name])
        return read_object(files, f"{folder}/{name}", sizes[name])

    return Sidecars(sizes, read, looks_inside=False)


def read_object(files: Any, key: str, size: int) -> bytes:
    """Returns the bytes of an object. Raises OSError, and RejectedImage for one that is too large."""
    check_bytes(size)
    try:
        return fetched(key) if key.startswith(WEB) else read_whole(files, key)
    except (OSError, RejectedImage):
        raise
    except Exception as error:
        raise OSError(str(reason_of(error))) from error


def _items_of_takeout(files: Any, scheme: str, keys: Sequence[str], sidecars: bool, encoding: str) -> Iterator[Item]:
    parts = Parts([(PurePosixPath(key).name, partial(files.open, key, "rb")) for key in keys], encoding)
    for key in keys:
        beside = sidecars and (parts.finder(PurePosixPath(key).name) or True)
        yield from _items_of_object(files, f"{scheme}://{key}", key, beside, encoding)


def _items_of_object(files: Any, url: str, key: str, sidecars: bool | FindSidecars, encoding: str) -> Iterator[Item]:
    if is_archive(key):
        yield from items_in_archive(url, partial(files.open, key, "rb"), sidecars=sidecars, encoding=encoding)
        return
    beside = _sidecars_beside(files, key) if sidecars else None
    describe = beside.describing(PurePosixPath(key).name) if beside else None
    yield Item(
        url, PurePosixPath(key).name, partial(read_object, files, key, 0), url, original_at=url, describe=describe
    )


def _sidecars_beside(files: Any, key: str) -> Sidecars | None:
    """Returns the sidecars of one object; only what begins like its name is listed. None where that is not allowed."""
    folder, _, name = key.rpartition("/")
    try:
        found = files.find(folder, prefix=beginning_of_sidecars(name), detail=True)
    except Exception:  # that the object itself can be read is enough
        return None
    beside = {PurePosixPath(each).name: _size(details) for each, details in found.items() if _is_in(folder, each)}
    return sidecars_in(files, folder, {**beside, name: 0})


def _is_in(folder: str, key: str) -> bool:
    return key.rpartition("/")[0] == folder


def _listed(files: Any, root: str, sidecars: bool) -> Iterator[tuple[str, Details, Sidecars | None]]:
    """Lists folder by folder, since a listing of everything may not fit into memory."""
    for parent, folders, found in files.walk(root, detail=True, on_error="raise"):
        for name in [name for name in folders if reason_to_skip_folder(name)]:
            del folders[name]
            yield f"{parent}/{name}/", {}, None
        sizes = {PurePosixPath(details["name"]).name: _size(details) for name, details in found.items() if name}
        beside = sidecars_in(files, parent, sizes) if sidecars else None
        for name, details in sorted(found.items()):
            if name:
                yield details["name"], details, beside
            else:
                yield from ((key, each, None) for key, each in _without_name(files, parent, details))


def _without_name(files: Any, parent: str, details: Details) -> Iterator[tuple[str, Details]]:
    """Lists what has no name of its own in a folder: what lies behind `//`, which cannot be entered, or a marker."""
    if details["type"] == "directory":
        yield from sorted(files.find(parent, prefix="/", detail=True).items())
    elif details.get("size"):  # else it only marks the folder
        yield details["name"], details


def _size(details: Details) -> int:
    return int(details.get("size") or 0)
