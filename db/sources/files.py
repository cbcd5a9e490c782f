"""Lists the pictures of files, folders, patterns, archives, buckets and tables."""

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from db.os_errors import reason_of
from db.sources.archives import TAR_SUFFIXES, ZIP_SUFFIX, is_archive, items_in_archive
from db.sources.buckets import failure, file_system
from db.sources.tables import READERS, items_in_table
from library.errors import InvalidQuery, NotAllowed, SourceUnavailable, UnknownSource
from library.images import check_bytes, reason_to_skip
from library.ingest.items import Item
from library.messages import Message, message

NAMED_BY = "SOURCE"


def items_from(sources: Sequence[str], table: Path | None = None, image_column: str = "") -> Iterable[Item]:
    """Returns an item for each file; in folders, archives and buckets, hidden ones and no pictures by name are skipped.

    What is left out comes as an item with `skip` set, so that a receipt can name it. Where an item comes from begins
    with the name of what was asked for: visitors see it, and where that lies on this machine is not theirs to know.

    A list where listing is all it takes, so that a progress can be shown. Raises UnknownSource at once for a source
    that is not there; while iterating, SourceUnavailable for one that goes.
    """
    rows = items_in_table(table, image_column) if table else []
    places = [place for source in sources for place in _places(source)]
    items = (item for place in places for item in _items_at(place))
    if all(isinstance(place, Path) and not is_archive(place.name) for place in places):
        return [*rows, *items]
    return chain(rows, items)


class AllowedSources:
    """Offers what lies below the prefixes of SOURCES_ALLOWED; links that lead out of them are refused."""

    archive_suffixes = (ZIP_SUFFIX, *TAR_SUFFIXES)
    table_suffixes = tuple(READERS)

    def __init__(self, prefixes: Sequence[str]) -> None:
        self.prefixes = prefixes

    def in_archive(self, path: Path, name: str) -> Iterator[Item] | None:
        return items_in_archive(name, partial(path.open, "rb")) if is_archive(name) else None

    def items(self, source: str, image_column: str = "") -> Iterator[Item]:
        """Yields items as they are listed. Raises NotAllowed, UnknownSource or UnknownStore at once.

        `image_column` is that of a table. Its rows that name places elsewhere are skipped.
        """
        self._check(source)  # first, so that nothing is told of what lies elsewhere
        if source.lower().endswith(self.table_suffixes) and "://" not in source:
            return map(self._if_allowed, items_in_table(Path(source).expanduser(), image_column))
        places = _places(source)
        for place in places:
            self._check(str(place))
        return (item for place in places for item in _items_at(place))

    def _if_allowed(self, item: Item) -> Item:
        try:
            self._check(item.path)
        except NotAllowed as error:
            return item if item.skip else replace(item, skip=error.message)
        return item

    def _check(self, source: str) -> None:
        if not any(_is_below(source, prefix) for prefix in self.prefixes):
            raise NotAllowed("source_not_allowed", source=source, prefixes=", ".join(self.prefixes))


def _is_below(source: str, prefix: str) -> bool:
    if "://" in source or "://" in prefix:
        parts, wanted = source.rstrip("/").split("/"), prefix.rstrip("/").split("/")
        return ".." not in unquote(source).split("/") and parts[: len(wanted)] == wanted
    try:
        return Path(source).expanduser().resolve().is_relative_to(Path(prefix).expanduser().resolve())
    except (OSError, ValueError, RuntimeError):  # a loop of links, a null byte, a user that is not there
        return False


def _items_at(place: Path | str) -> Iterator[Item]:
    if isinstance(place, str):
        yield from _items_in_bucket(place)
    elif place.is_dir():
        yield from _items_in_folder(place)
    elif is_archive(place.name):
        yield from items_in_archive(str(place), partial(place.open, "rb"), str(place.absolute()))
    else:
        yield file_item(place, place.name)


def _places(source: str) -> Sequence[Path | str]:
    if "://" in source:
        file_system(source, NAMED_BY)
        return [source]
    path = Path(source).expanduser()
    try:
        found = [path] if path.exists() else [Path(each) for each in sorted(glob.glob(str(path), recursive=True))]
    except OSError as error:
        raise UnknownSource("file_not_read", file=source[:120], reason=reason_of(error)) from None
    if not found:
        raise UnknownSource("no_such_place", source=source)
    return found


def _items_in_folder(folder: Path) -> Iterator[Item]:
    """Lists a folder and those below it; links to folders are not followed, since they may lead in circles."""
    named = Path(folder.resolve().name)
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            yield file_item(path, (named / path.relative_to(folder)).as_posix(), reason_to_skip(name))


def file_item(path: Path, source: str, skip: Message | None = None) -> Item:
    return Item(str(path), path.name, partial(_read, path), source, skip=skip, original_at=str(path.absolute()))


def _read(path: Path) -> bytes:
    check_bytes(path.stat().st_size)
    return path.read_bytes()


def read_query_picture(path: str) -> bytes:
    """Returns the bytes of a file to search with. Raises InvalidQuery or RejectedImage."""
    try:
        return _read(Path(path).expanduser())
    except OSError as error:
        raise InvalidQuery("file_not_read", file=path, reason=error.strerror or str(error)) from None


def _items_in_bucket(url: str) -> Iterator[Item]:
    files, root = file_system(url, NAMED_BY)
    scheme = url.partition("://")[0]
    try:
        if files.info(root)["type"] == "file":
            yield from _items_of_object(files, f"{scheme}://{root}", root)
            return
        for key, details in _listed(files, root):
            yield object_item(files, f"{scheme}://{key}", key, int(details.get("size") or 0))
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
    for _, folders, found in files.walk(root, detail=True, on_error="raise"):
        for name in [name for name in folders if name.startswith(".")]:
            del folders[name]
        yield from ((details["name"], details) for _, details in sorted(found.items()))


def object_item(files: Any, url: str, key: str, size: int) -> Item:
    name = PurePosixPath(key).name
    return Item(url, name, partial(_read_object, files, key, size), url, skip=reason_to_skip(name), original_at=url)


def _read_object(files: Any, key: str, size: int) -> bytes:
    check_bytes(size)
    try:
        return bytes(files.cat_file(key))
    except OSError:
        raise
    except Exception as error:
        raise OSError(str(error)) from error
