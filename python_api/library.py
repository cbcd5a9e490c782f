"""Adds, searches, lists and deletes pictures for a Python program."""

import os
import threading
import weakref
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from db.files.backup_folder import new_backup, open_backup
from db.files.pack_reader import open_pack
from db.files.pack_writer import new_pack
from library.backup.backup_place import Copied, pictures_copied
from library.doctor.findings import Report
from library.duplicates.groups import THRESHOLD, Group
from library.errors import InvalidContentId, LibraryClosed
from library.image_library import ImageLibrary, LibraryStatus
from library.images import parse_content_id
from library.ingest.items import source_label, total_of
from library.ingest.packs import Contents
from library.ingest.selection import Selection
from library.messages.arguments import ARGUMENTS
from library.ports import StoredCollection
from library.search.filters import Match
from library.search.heat_maps import PartHeat
from library.search.query import ORDERS, SHORT_LIMIT, SortOrder
from python_api.hits import Hit, Hits
from python_api.progress import with_progress
from python_api.queries import QUERY, Searchable, Where, conditions_of, note_files, query_of
from python_api.receipt import Receipt, RestoredBackup
from python_api.selections import folder_of, ids_of, near_of
from python_api.sources import DEFAULT_COLUMN, Addable, Reading, items_of, label_of
from python_api.trash import TrashedPicture


class Library:
    """Holds an open library; `app.open_library` opens it. Safe to use from several threads.

    Use it in a `with` statement, or call `close` at the end. Errors are those of library/errors.py.
    """

    def __init__(
        self, library: ImageLibrary, own_folders: Sequence[Path] = (), small_files: Sequence[Path] = ()
    ) -> None:
        """Takes an opened `library`, which is closed with this object and writes to `own_folders`.

        A backup copies the `small_files` beside the pictures.
        """
        self._own_folders = own_folders
        self._small_files = small_files
        self._opened: ImageLibrary | None = library
        _close_at_exit(weakref.ref(self))

    def add(
        self,
        pictures: Addable,
        *,
        metadata: Mapping[str, object] | None = None,
        in_place: bool = False,
        near_duplicates: str = "take",
        image_column: str = DEFAULT_COLUMN,
        encoding: str = "",
        sidecars: bool = True,
        name: str = "",
        limit: int | None = None,
        dry_run: bool = False,
        progress: bool = True,
    ) -> Receipt:
        """Adds pictures and returns what became of each file.

        `pictures` is a file, a folder, a pattern, an archive, a bucket or a table; a picture of Pillow or numpy, the
        bytes of a file, an Item; or a list of any of these. `metadata` is kept with every picture, `name` is for
        pictures in memory. `in_place` stores no originals. `near_duplicates` is "take", "note" or "skip". `encoding`
        is that of a table of text, and of names in archives; `sidecars` has Takeout's JSON and XMP beside the pictures
        read.
        """
        library = self._library
        selection = Selection(limit, None, {} if metadata is None else metadata)
        dry_run, in_place = ARGUMENTS.flag("dry_run", dry_run), ARGUMENTS.flag("in_place", in_place)
        near, progress = near_of(near_duplicates, dry_run), ARGUMENTS.flag("progress", progress)
        reading = Reading(
            ARGUMENTS.text("image_column", image_column),
            ARGUMENTS.text("encoding", encoding),
            ARGUMENTS.text("name", name),
            ARGUMENTS.flag("sidecars", sidecars),
            self._own_folders,
        )
        selected = selection.of(items_of(pictures, reading))
        added = library.add(selected, dry_run=dry_run, in_place=in_place, source=label_of(pictures), near=near)
        what = "Checking" if dry_run else "Adding"
        return Receipt(list(with_progress(added, partial(total_of, selected), what, progress)))

    def search(
        self,
        query: Searchable,
        *,
        limit: int = SHORT_LIMIT,
        offset: int = 0,
        where: Where = (),
        match: Match = "all",
        min_score: float = -1.0,
        sort: SortOrder = "score",
        exact: bool = False,
        nprobe: int | None = None,
        model: str = "",
    ) -> Hits:
        """Returns the pictures that the query describes or resembles, best first.

        `query` is a text; a picture as a Path, as Pillow or numpy hold it, as bytes, or a hit of an earlier search; or
        a list of these. A str is always words, "a.jpg" too; the file is Path("a.jpg"). Each may be a tuple with a
        weight, negative for what the hits should not resemble.
        """
        library = self._library
        conditions = conditions_of(where, match)
        asked = query_of(
            query,
            limit=limit,
            offset=offset,
            min_score=min_score,
            sort=sort,
            exact=exact,
            nprobe=nprobe,
            model=model,
        )
        found = replace(asked, where=conditions.typed(library.fields))
        note_files(asked.parts)
        library.calibrate(wait=True, model=asked.model)
        return Hits.of_answer(library.search(found), library.pictures)

    def why(self, picture: str | Hit, query: Searchable, *, model: str = "") -> list[PartHeat]:
        """Returns a heat map of a picture for each part of a query: where in it the part is found.

        `picture` is a hit or a content ID, `query` what `search` takes. `found.values` of a map is an array of numpy.
        """
        library = self._library
        [id] = ids_of([picture])
        return library.heat_maps.of(id, query_of(query, model=model))

    def pictures(
        self,
        *,
        where: Where = (),
        match: Match = "all",
        sort: SortOrder = "added",
        limit: int = 100,
        offset: int = 0,
    ) -> Hits:
        """Returns a page of the pictures that match, without any search: their scores are NaN."""
        library = self._library
        conditions = conditions_of(where, match)
        order = QUERY.choice("sort", sort, ORDERS)
        first, most = QUERY.whole("offset", offset, 0), QUERY.whole("limit", limit, 1)
        listing = library.listed(conditions.typed(library.fields), order, first, most)
        return Hits.of_records(listing.records, library.pictures)

    def duplicates(self, threshold: float = THRESHOLD) -> list[Hits]:
        """Returns groups of near-duplicates, the best picture of each first.

        That is the one with the most pixels that were not made by enlarging, then the one with the most detail.
        """
        groups = self._library.duplicates.find(threshold) or []
        return [self._group(group) for group in groups]

    def delete(self, pictures: str | Hit | Iterable[str | Hit]) -> int:
        """Moves pictures to the trash, given as hits or content IDs, and returns how many.

        Raises UnknownPicture, InvalidContentId or InvalidSelection before anything is deleted.
        """
        library = self._library
        return len(library.delete(ids_of(pictures)))

    def trash(self) -> list[TrashedPicture]:
        """Returns the pictures in the trash, the last deleted first."""
        trash = self._library.trash
        return [TrashedPicture.of(each, trash) for each in trash.pictures(0, trash.count())]

    def restore(self, pictures: "str | TrashedPicture | Iterable[str | TrashedPicture]") -> int:
        """Brings pictures back from the trash, given as entries of it or content IDs, and returns how many.

        Raises UnknownPicture, InvalidContentId or InvalidSelection before anything is restored.
        """
        library = self._library
        return len(library.trash.restore(ids_of(pictures)))

    def empty_trash(self) -> int:
        """Removes everything in the trash for good, and returns how many pictures that were."""
        return self._library.trash.empty()

    def doctor(self, fix: bool = False) -> Report:
        """Checks store and collections against each other, and repairs what can be repaired if that is wanted.

        Returns what is wrong, after `fix` what is still wrong.
        """
        library = self._library
        fix = ARGUMENTS.flag("fix", fix)
        report = library.doctor.examine()
        if report and fix:
            report = library.doctor.repaired(report)
        assert report  # nothing stops it
        return report

    def reindex(self, model: str = "", *, progress: bool = True) -> Receipt:
        """Encodes the stored pictures that a model lacks, the chosen model if none is named. Adds no picture."""
        library = self._library
        model, progress = ARGUMENTS.text("model", model), ARGUMENTS.flag("progress", progress)
        total = len(library.importer.missing(model))
        return Receipt(list(with_progress(library.reindex(model=model), total, "Encoding", progress)))

    def export(
        self,
        folder: str | os.PathLike[str],
        *,
        thumbnails: bool = False,
        originals: bool = False,
        progress: bool = True,
    ) -> int:
        """Writes a pack into a new folder, which another library imports without encoding; returns its pictures."""
        library = self._library
        place, progress = folder_of(folder), ARGUMENTS.flag("progress", progress)
        thumbnails, originals = ARGUMENTS.flag("thumbnails", thumbnails), ARGUMENTS.flag("originals", originals)
        counts: Counter[str] = Counter()
        with new_pack(place, Contents(thumbnails or originals, originals), self._own_folders) as writer:
            packed = library.packs.export_to(writer)
            counts.update(with_progress(packed, len(self), "Exporting", progress))
        return counts["packed"] + counts["without original"]

    def import_pack(self, folder: str | os.PathLike[str], *, progress: bool = True) -> Receipt:
        """Adds the pictures of a pack without encoding. Writes nothing unless the whole pack is sound."""
        library = self._library
        place, progress = folder_of(folder), ARGUMENTS.flag("progress", progress)
        pack = open_pack(place)
        receipts = library.packs.import_from(pack, source=source_label(place))
        return Receipt(list(with_progress(receipts, pack.manifest.count, "Importing", progress)))

    def backup(self, folder: str | os.PathLike[str], *, progress: bool = True) -> int:
        """Copies all pictures, records and vectors into a new folder, and returns how many pictures that were."""
        library = self._library
        place, progress = folder_of(folder), ARGUMENTS.flag("progress", progress)
        counts: Counter[Copied] = Counter()
        with new_backup(place, self._small_files, self._own_folders) as backup:
            counts.update(with_progress(library.backups.write(backup), len(self), "Copying", progress))
        return pictures_copied(counts)

    def restore_backup(self, folder: str | os.PathLike[str], *, progress: bool = True) -> RestoredBackup:
        """Adds the pictures of a backup with their vectors, without encoding, and tells what the backup lacks.

        What is there stays as it is, but for a missing original or thumbnail, which is brought.
        """
        library = self._library
        place, progress = folder_of(folder), ARGUMENTS.flag("progress", progress)
        backup, summary = open_backup(place, self._small_files)
        restoring = library.backups.restore(backup)
        receipts = list(with_progress(restoring, summary.pictures, "Restoring", progress))
        return RestoredBackup(receipts, summary.pictures, library.backups.without_vector(backup, summary))

    def status(self) -> LibraryStatus:
        """Returns the number of pictures, the model in use and the state of the index."""
        return self._library.status()

    def collections(self) -> list[StoredCollection]:
        """Returns the collections of vectors in Milvus, one for each model."""
        return self._library.collections.stored()

    def close(self) -> None:
        """Releases the collection and lets go of the files. May be called twice."""
        library, self._opened = self._opened, None
        if library:
            library.close()

    def __len__(self) -> int:
        """Returns how many pictures there are. Raises StoreUnavailable."""
        return self._library.listed(None, "added", 0, 0).total

    def __bool__(self) -> bool:
        return True

    def __contains__(self, picture: object) -> bool:
        """Returns whether a hit or a content ID is that of a picture in the library."""
        id = picture.content_id if isinstance(picture, Hit) else picture
        try:
            return bool(self._library.pictures.stored([parse_content_id(id)]))
        except InvalidContentId:
            return False

    def __enter__(self) -> Self:
        """Returns this library. Raises LibraryClosed."""
        _ = self._library
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._opened is None:
            return "Library(closed)"
        status = self.status()
        return f"Library({status.pictures} pictures, model {status.model.info.name if status.model.info else None})"

    @property
    def _library(self) -> ImageLibrary:
        if self._opened is None:
            raise LibraryClosed("library_closed")
        return self._opened

    def _group(self, group: Group) -> Hits:
        pictures = self._library.pictures
        return Hits([Hit(group.score_of(each.content_id), each, None, pictures) for each in group.records])


def _close_at_exit(library: "weakref.ref[Library]") -> None:
    """Closes a library that is still open when the program ends, while the threads of Milvus Lite can still answer.

    `atexit` would be too late: the executors of all threads are shut down before it.
    """

    def close() -> None:
        if opened := library():
            opened.close()

    threading._register_atexit(close)  # type: ignore[attr-defined]
