"""Lists the pictures of files, folders, patterns, archives, buckets and tables."""

import glob
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote

from db.os_errors import reason_of
from db.sources.archives import TAR_SUFFIXES, ZIP_SUFFIX, is_archive, items_in_archive
from db.sources.buckets import file_system
from db.sources.objects import NAMED_BY, items_in_bucket
from db.sources.tables import SUFFIXES, items_in_table
from db.sources.walk import walk
from library.errors import InvalidQuery, NotAllowed, RejectedImage, UnknownSource
from library.images import check_bytes, reason_to_skip, reason_to_skip_folder
from library.ingest.items import Item
from library.messages import Message


def items_from(
    sources: Sequence[str],
    table: Path | None = None,
    image_column: str = "",
    encoding: str = "",
    own: Collection[Path] = (),
) -> Iterable[Item]:
    """Returns an item for each file; in folders, archives and buckets, hidden ones and no pictures by name are skipped.

    What is left out comes as an item with `skip` set, so that a receipt can name it. Where an item comes from begins
    with the name of what was asked for: visitors see it, and where that lies on this machine is not theirs to know.

    `own` are folders of the library itself, which are left out. Returns a list where listing is all it takes, so that
    a progress can be shown. Raises UnknownSource at once for a source that is not there; while iterating,
    SourceUnavailable for one that goes.
    """
    rows = items_in_table(table, image_column, encoding) if table else []
    places = [place for source in sources for place in _places(source)]
    own = {folder.resolve() for folder in own}
    items = (item for place in places for item in _items_at(place, own))
    if isinstance(rows, list) and all(isinstance(place, Path) and not is_archive(place.name) for place in places):
        return [*rows, *items]
    return chain(rows, items)


class AllowedSources:
    """Offers what lies below the prefixes of SOURCES_ALLOWED; links that lead out of them are refused."""

    archive_suffixes = (ZIP_SUFFIX, *TAR_SUFFIXES)
    table_suffixes = SUFFIXES

    def __init__(self, prefixes: Sequence[str], own: Collection[Path] = ()) -> None:
        """Offers nothing of `own`, the folders of the library itself."""
        self.prefixes = prefixes
        self._own = {folder.resolve() for folder in own}

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
        return (item for place in places for item in _items_at(place, self._own))

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


def _items_at(place: Path | str, own: Collection[Path]) -> Iterator[Item]:
    if isinstance(place, str):
        yield from items_in_bucket(place)
    elif place.is_dir():
        yield from _items_in_folder(place, own)
    elif is_archive(place.name):
        yield from items_in_archive(str(place), partial(place.open, "rb"), str(place.absolute()))
    else:
        yield file_item(place, place.name)


def _places(source: str) -> Sequence[Path | str]:
    if "://" in source:
        file_system(source, NAMED_BY)
        return [source]
    path = Path(source).expanduser()
    if path.suffix.lower() in SUFFIXES and path.is_file():
        raise UnknownSource("table_as_source", name=path.name)
    try:
        found = [path] if path.exists() else [*_matching(str(path))]
    except OSError as error:
        raise UnknownSource("file_not_read", file=source[:120], reason=reason_of(error)) from None
    if not found:
        raise UnknownSource("no_such_place", source=source)
    return found


def _matching(pattern: str) -> Iterator[Path]:
    """Yields what a pattern names, as a folder would list it: what stands there for no picture is left out."""
    for each in map(Path, sorted(glob.glob(pattern, recursive=True))):
        leave_out = reason_to_skip_folder if each.is_dir() else reason_to_skip
        if not leave_out(each.name) or is_archive(each.name):
            yield each


def _items_in_folder(folder: Path, own: Collection[Path]) -> Iterator[Item]:
    named = Path(folder.resolve().name)
    for found in walk(folder, own):
        source = (named / found.path.relative_to(folder)).as_posix()
        if found.problem:
            yield Item(str(found.path), found.path.name, partial(_refuse, found.problem), source)
        else:
            yield file_item(found.path, source, found.skip)


def _refuse(problem: OSError) -> NoReturn:
    raise problem


def file_item(path: Path, source: str, skip: Message | None = None) -> Item:
    return Item(str(path), path.name, partial(_read, path), source, skip=skip, original_at=str(path.absolute()))


def _read(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise RejectedImage("no_regular_file")
    check_bytes(path.stat().st_size)
    return path.read_bytes()


def read_query_picture(path: str) -> bytes:
    """Returns the bytes of a file to search with. Raises InvalidQuery or RejectedImage."""
    try:
        return _read(Path(path).expanduser())
    except OSError as error:
        raise InvalidQuery("file_not_read", file=path, reason=error.strerror or str(error)) from None
