"""Lists the pictures of files, folders, patterns, archives, buckets and tables."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote

from db.sources.addresses import checked_place, path_in
from db.sources.archives.items import FindSidecars, items_in_archive
from db.sources.archives.parts import Parts, is_of_takeout, part_name, parts_on_disk
from db.sources.bucket_items import items_in_bucket, part_in_bucket
from db.sources.buckets import file_system
from db.sources.encodings.guess import known_encoding
from db.sources.local_files import ANYWHERE, FilesBelow, LocalFiles, read_regular
from db.sources.patterns import is_pattern, matching
from db.sources.sidecars.folder import SUFFIXES as SIDECAR_SUFFIXES
from db.sources.sidecars.folder import SidecarFolders, Sidecars, read_sidecar
from db.sources.tables.items import SUFFIXES, items_in_table
from db.sources.tables.parquet import is_folder_of_shards
from db.sources.walk import Found, walk
from library.decoding.archive_kinds import TAR_SUFFIXES, ZIP_SUFFIX, is_archive
from library.errors import InvalidQuery, NotAllowed, RejectedImage, UnknownSource
from library.ingest.items import CountedItems, Item, total_of
from library.messages import Message, message
from library.messages.reasons import reason_of
from library.running.work import check_stop

Place = Found | str  # what is on a disk, or the URL of a bucket


def items_from(
    sources: Sequence[str],
    table: Path | None = None,
    image_column: str = "",
    encoding: str = "",
    own: Collection[Path] = (),
    sidecars: bool = True,
) -> Iterable[Item]:
    """Returns an item for each file; in folders, archives and buckets, hidden ones and no pictures by name are skipped.

    What is left out comes as an item with `skip` set, so that a receipt can name it. Where an item comes from begins
    with the name of what was asked for: visitors see it, and where that lies on this machine is not theirs to know.

    `encoding` is that of a table of text, and of names in archives that do not tell theirs; `own` are folders of the
    library itself, which are left out; `sidecars` has files beside the pictures read, too.
    Returns a list where listing is all it takes, and CountedItems for a table alone, so that a progress can be shown.
    Raises UnknownSource at once for a
    source that is not there; while iterating, SourceUnavailable for one that goes.
    """
    reading = _Reading(own, SidecarFolders() if sidecars else None, known_encoding(encoding) if encoding else "")
    rows = items_in_table(table, image_column, encoding, reading.beside) if table else None
    places = [place for source in sources for place in _places(source, own)]
    if rows and not places:
        return rows
    items = _items_in(places, reading)
    if rows is None and all(isinstance(each, Found) and not is_archive(each.path.name) for each in places):
        return list(items)
    return chain(rows or (), items)


@dataclass(frozen=True)
class _Reading:
    """Says how places are read; without `beside` no sidecars are. `parts` are the archives among the places.

    `files` opens and lists them.
    """

    own: Collection[Path] = ()
    beside: SidecarFolders | None = None
    encoding: str = ""
    parts: Parts = field(default_factory=lambda: Parts([]))
    files: LocalFiles = ANYWHERE

    def refusal(self, path: Path) -> Message | None:
        """Returns why a file may not be read."""
        try:
            self.files.check(path)
        except NotAllowed as error:
            return error.message
        return None

    def unless_refused(self, place: Place) -> Place:
        """Returns a place as it is, or as one that is left out where it may not be read."""
        if isinstance(place, str) or place.skip:
            return place
        return replace(place, skip=self.refusal(place.path))

    def sidecars(self, name: str) -> bool | FindSidecars:
        """Returns whether sidecars are read, or what finds those of an archive of this name in all of its parts."""
        return self.beside is not None and (self.parts.finder(name) or True)


class AllowedSources:
    """Offers what lies below the prefixes of SOURCES_ALLOWED; links that lead out of them are refused."""

    archive_suffixes = (ZIP_SUFFIX, *TAR_SUFFIXES)
    table_suffixes = SUFFIXES
    sidecar_suffixes = SIDECAR_SUFFIXES

    def __init__(self, prefixes: Sequence[str], own: Collection[Path] = ()) -> None:
        """Offers nothing of `own`, the folders of the library itself."""
        self.prefixes = prefixes
        self._own = own

    def in_archive(self, path: Path, name: str, most_files: int) -> Iterator[Item] | None:
        return items_in_archive(name, partial(ANYWHERE.open, path), most_files=most_files) if is_archive(name) else None

    def beside(self, files: Mapping[str, Path]) -> Sidecars:
        return Sidecars(files, lambda name: read_sidecar(files[name]))

    def items(self, source: str, image_column: str = "") -> CountedItems:
        """Returns items, listed as they are asked for. Raises NotAllowed, UnknownSource or UnknownStore at once.

        `image_column` is that of a table. Its rows that name places elsewhere are skipped.
        """
        source = checked_place(path_in(source), UnknownSource)
        folders = [at_home(path_in(each)) for each in self.prefixes if "://" not in path_in(each)]
        files = FilesBelow(folders, ", ".join(self.prefixes))
        self._check(source, files)  # first, so that nothing is told of what lies elsewhere
        reading = _Reading(self._own, SidecarFolders(files), files=files)
        listed = self._listed(source, image_column, reading)
        return CountedItems(map(partial(self._if_allowed, files), listed), partial(total_of, listed))

    def _listed(self, source: str, image_column: str, reading: _Reading) -> Iterable[Item]:
        path, files = at_home(source), reading.files
        is_path = "://" not in source
        is_folder = is_path and is_folder_of_shards(path, self._own, files)
        if is_folder or (is_path and source.lower().endswith(self.table_suffixes)):
            return items_in_table(path, image_column, beside=reading.beside, files=files)
        places = _places(source, self._own, files, may_be_table=False)
        return _items_in([reading.unless_refused(place) for place in places], reading)

    def _if_allowed(self, files: LocalFiles, item: Item) -> Item:
        if not item.original_at:  # what lies in the table itself, or is refused
            return item
        try:
            self._check(item.path, files)
        except NotAllowed as error:
            return item if item.skip else replace(item, skip=error.message)
        return item

    def _check(self, source: str, files: LocalFiles) -> None:
        if "://" not in source:
            files.check(os.path.expanduser(source))
        elif not any(_is_below(source, prefix) for prefix in self.prefixes):
            raise NotAllowed("source_not_allowed", source=source, prefixes=", ".join(self.prefixes))


def _is_below(url: str, prefix: str) -> bool:
    parts, wanted = url.rstrip("/").split("/"), path_in(prefix).rstrip("/").split("/")
    return ".." not in unquote(url).split("/") and parts[: len(wanted)] == wanted


def at_home(place: str) -> Path:
    """Returns the path that a text names, with the home folder in place of `~`; of no user's where there is none."""
    return Path(os.path.expanduser(place))


def _items_in(places: Sequence[Place], reading: _Reading) -> Iterator[Item]:
    on_disk = [place.path for place in places if isinstance(place, Found) and is_archive(place.path.name)]
    in_buckets = [place for place in places if isinstance(place, str) and is_archive(place)]
    parts = [*parts_on_disk(on_disk, reading.files), *map(part_in_bucket, in_buckets)]
    together = replace(reading, parts=Parts(parts, reading.encoding))
    return (item for place in places for item in _items_at(place, together))


def _items_at(place: Place, reading: _Reading) -> Iterator[Item]:
    """Yields what a place holds, with the sidecars of its pictures where they are read."""
    if isinstance(place, str):
        return items_in_bucket(place, reading.sidecars(part_name(place)), reading.encoding)
    path = place.path
    if place.skip or place.problem:
        return iter([_item_of(place, path.name, reading.files)])
    if os.path.isdir(path):  # not Path.is_dir, which raises over what lies in a folder that may only be listed
        return _items_in_folder(path, reading)
    if is_archive(path.name) and (path.is_file() or not path.exists()):  # a pipe would never be opened
        return _items_packed(path, reading)
    sidecars = reading.beside.of(path) if reading.beside else None
    return iter([file_item(path, path.name, sidecars=sidecars, files=reading.files)])


def _items_packed(path: Path, reading: _Reading) -> Iterator[Item]:
    sidecars = reading.sidecars(path.name)
    open_file = partial(reading.files.open, path)
    return items_in_archive(str(path), open_file, str(path.absolute()), sidecars, reading.encoding)


def _places(
    source: str, own: Collection[Path], files: LocalFiles = ANYWHERE, may_be_table: bool = True
) -> Sequence[Place]:
    if not source.strip():
        raise UnknownSource("source_empty")
    source = checked_place(path_in(source), UnknownSource)
    if "://" in source:
        file_system(source)
        return [source]
    path = at_home(source)
    if path.suffix.lower() in SUFFIXES and path.is_file():
        raise UnknownSource("table_as_source", name=path.name)
    if may_be_table and is_folder_of_shards(path, own, files):
        raise UnknownSource("shards_as_source", source=source[:120])
    try:
        found = [Found(path)] if path.exists() else matching(str(path), own, files)
    except OSError as error:
        raise UnknownSource("file_not_read", file=source[:120], reason=reason_of(error)) from None
    if found:
        return found
    if is_pattern(str(path)):
        raise UnknownSource("pattern_unmatched", pattern=source)
    if path.is_symlink():
        raise UnknownSource("link_leads_nowhere", source=source[:120])
    raise UnknownSource("no_such_place", source=source[:120])


def _items_in_folder(folder: Path, reading: _Reading) -> Iterator[Item]:
    named = Path(folder.resolve().name)
    is_empty = True
    takeout: list[Path] = []
    for found in walk(folder, reading.own, reading.beside is not None, files=reading.files):
        check_stop()
        is_empty = False
        source = (named / found.path.relative_to(folder)).as_posix()
        if found.skip and found.skip.code == "archive_within" and is_of_takeout(found.path.name):
            if refusal := reading.refusal(found.path):
                yield file_item(found.path, source, refusal)
            else:
                takeout.append(found.path)
        else:
            yield _item_of(found, source, reading.files)
    if is_empty:
        yield file_item(folder, named.as_posix(), message("folder_empty"))
    together = replace(reading, parts=Parts(parts_on_disk(takeout, reading.files), reading.encoding))
    for path in takeout:
        yield from _items_packed(path, together)


def _item_of(found: Found, source: str, files: LocalFiles) -> Item:
    if found.problem is None:
        return file_item(found.path, source, found.skip, found.sidecars, files)
    name, reason = found.path.name, reason_of(found.problem)
    unread = RejectedImage("folder_not_read", folder=name, reason=reason)
    return Item(str(found.path), name, partial(_refuse, unread), source)


def _refuse(problem: RejectedImage) -> NoReturn:
    raise problem


def file_item(
    path: Path,
    source: str,
    skip: Message | None = None,
    sidecars: Sidecars | None = None,
    files: LocalFiles = ANYWHERE,
) -> Item:
    """Makes the item of a file, which is left out where it is itself among the sidecars of its folder."""
    describe = None
    if sidecars and not skip:
        skip, describe = sidecars.reason_if_one(path.name), sidecars.describing(path.name)
    original_at = str(path.absolute())
    read, size = partial(read_regular, path, files=files), partial(os.path.getsize, path)
    return Item(str(path), path.name, read, source, {}, skip, original_at, describe=describe, size=size)


def read_query_picture(path: str) -> bytes:
    """Returns the bytes of a file to search with. Raises InvalidQuery or RejectedImage."""
    if not path.strip():
        raise InvalidQuery("empty_picture")
    checked_place(path, InvalidQuery)
    try:
        file = at_home(path)
        if file.is_dir():
            raise InvalidQuery("folder_to_search_with", path=path)
        return read_regular(file)
    except OSError as error:
        raise InvalidQuery("file_not_read", file=path[:120], reason=reason_of(error)) from None
