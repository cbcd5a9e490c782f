"""Adds, searches, lists and deletes pictures for a Python program."""

import atexit
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

from db.files.pack_reader import open_pack
from db.files.pack_writer import new_pack
from library.duplicates.groups import THRESHOLD, Group
from library.image_library import ImageLibrary, LibraryStatus
from library.images import ContentId, parse_content_id
from library.ingest.items import source_label
from library.ingest.packs import Contents
from library.ingest.selection import Selection
from library.ingest.storing import as_near
from library.ports import StoredCollection
from library.search.filters import Filter, Match
from library.search.query import Query, SortOrder
from python_api.hits import Hit, Hits
from python_api.progress import with_progress
from python_api.queries import Searchable, Where, drafts_of, parts_of
from python_api.receipt import Receipt
from python_api.sources import Addable, items_of, label_of


class Library:
    """Holds an open library; `app.open_library` opens it. Safe to use from several threads.

    Use it in a `with` statement, or call `close` at the end. Errors are those of library/errors.py.
    """

    def __init__(self, library: ImageLibrary) -> None:
        """`library` has a model that answers; it is closed with this object."""
        self._opened: ImageLibrary | None = library
        atexit.register(self.close)

    def add(
        self,
        pictures: Addable,
        *,
        metadata: Mapping[str, object] | None = None,
        in_place: bool = False,
        near_duplicates: str = "take",
        image_column: str = "filepath",
        name: str = "",
        limit: int | None = None,
        dry_run: bool = False,
        progress: bool = True,
    ) -> Receipt:
        """Adds pictures and returns what became of each file.

        `pictures` is a file, a folder, a pattern, an archive, a bucket or a table; a picture of Pillow or numpy, the
        bytes of a file, an Item; or a list of any of these. `metadata` is kept with every picture, `name` is for
        pictures in memory. `in_place` stores no originals. `near_duplicates` is "take", "note" or "skip".
        """
        selected = Selection(limit, None, metadata or {}).of(items_of(pictures, image_column, name))
        total = len(selected) if isinstance(selected, list) else None
        added = self._library.add(
            selected, dry_run=dry_run, in_place=in_place, source=label_of(pictures), near=as_near(near_duplicates)
        )
        return Receipt(list(with_progress(added, total, "Checking" if dry_run else "Adding", progress)))

    def search(
        self,
        query: Searchable,
        *,
        limit: int = 10,
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
        a list of these. Each may be a tuple with a weight, negative for what the hits should not resemble.
        """
        library = self._library
        found = Query(parts_of(query), limit, nprobe, exact, min_score, self._filter(where, match), sort, offset, model)
        library.calibrate(wait=True, model=model)
        return Hits.of_answer(library.search(found), library.pictures)

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
        listing = self._library.listed(self._filter(where, match), sort, offset, limit)
        return Hits.of_records(listing.records, self._library.pictures)

    def duplicates(self, threshold: float = THRESHOLD) -> list[Hits]:
        """Returns groups of near-duplicates, in each the picture of the most pixels first."""
        groups = self._library.duplicates.find(threshold) or []
        return [self._group(group) for group in groups]

    def delete(self, pictures: str | Hit | Iterable[str | Hit]) -> int:
        """Deletes pictures for good, given as hits or content IDs, and returns how many. Raises UnknownPicture."""
        given = [pictures] if isinstance(pictures, str | Hit) else pictures
        ids = dict.fromkeys(each.content_id if isinstance(each, Hit) else parse_content_id(each) for each in given)
        return len(self._library.delete(list(ids)))

    def reindex(self, model: str = "", *, progress: bool = True) -> Receipt:
        """Encodes the stored pictures that a model lacks, the chosen model if none is named. Adds no picture."""
        total = len(self._library.importer.missing(model))
        return Receipt(list(with_progress(self._library.reindex(model=model), total, "Encoding", progress)))

    def export(
        self,
        folder: str | os.PathLike[str],
        *,
        thumbnails: bool = False,
        originals: bool = False,
        progress: bool = True,
    ) -> int:
        """Writes a pack into a new folder, which another library imports without encoding; returns its pictures."""
        counts: Counter[str] = Counter()
        with new_pack(os.fspath(folder), Contents(thumbnails or originals, originals)) as writer:
            packed = self._library.packs.export_to(writer)
            counts.update(with_progress(packed, len(self), "Exporting", progress))
        return counts["packed"] + counts["without original"]

    def import_pack(self, folder: str | os.PathLike[str], *, progress: bool = True) -> Receipt:
        """Adds the pictures of a pack without encoding. Writes nothing unless the whole pack is sound."""
        pack = open_pack(os.fspath(folder))
        receipts = self._library.packs.import_from(pack, source=source_label(os.fspath(folder)))
        return Receipt(list(with_progress(receipts, pack.manifest.count, "Importing", progress)))

    def status(self) -> LibraryStatus:
        """Returns how the store, the model and the index are."""
        return self._library.status()

    def collections(self) -> list[StoredCollection]:
        """Returns the collections of vectors in Milvus, one for each model."""
        return self._library.collections.stored()

    def close(self) -> None:
        """Releases the collection and lets go of the files. May be called twice."""
        atexit.unregister(self.close)
        library, self._opened = self._opened, None
        if library:
            library.close()

    def __len__(self) -> int:
        """Returns how many pictures there are. Raises StoreUnavailable."""
        return self._library.listed(None, "added", 0, 0).total

    def __bool__(self) -> bool:
        return True

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and bool(self._library.pictures.stored([ContentId(id)]))

    def __enter__(self) -> Self:
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
            raise ValueError("This library is closed. Open it again with open_library().")
        return self._opened

    def _filter(self, where: Where, match: Match) -> Filter | None:
        return where if isinstance(where, Filter) else self._library.fields.typed(drafts_of(where), match)

    def _group(self, group: Group) -> Hits:
        pictures = self._library.pictures
        return Hits([Hit(group.score_of(each.content_id), each, None, pictures) for each in group.records])
