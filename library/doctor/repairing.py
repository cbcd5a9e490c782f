"""Repairs what a check has found in the image store and the collections."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from library.contents.pictures import Pictures
from library.contents.stored_files import StoredFile
from library.decoders.direct import Decoder
from library.doctor.findings import Finding
from library.errors import LikenessError, RejectedImage, StoreUnavailable, UnknownPicture
from library.images import ContentId, content_id, parse_content_id
from library.ports import ImageStore, VectorDatabase
from library.records import Record, id_of
from library.times import iso_now
from library.trash.entries import Trashed
from library.trash.trash import Trash

logger = logging.getLogger(__name__)

ShouldStop = Callable[[], bool]

RECOVERED = "recovered"  # the source of a picture whose record was lost


class Repairer:
    """Repairs findings, a method for each kind. The caller holds the lock of changes."""

    def __init__(
        self, store: ImageStore, database: VectorDatabase, pictures: Pictures, trash: Trash, decoder: Decoder
    ) -> None:
        self._store = store
        self._database = database
        self._pictures = pictures
        self._trash = trash
        self._decoder = decoder
        self._known: dict[str, Record] | None = None
        self._ways: dict[str, Callable[[Finding, ShouldStop], int]] = {
            "record_damaged": self._rewrite_records,
            "thumbnail_missing": self._make_thumbnails,
            "thumbnail_damaged": self._make_thumbnails,
            "orphan": self._move_orphans,
            "trash_damaged": self._renew_entries,
            "partial": self._remove_partial,
            "foreign": self._set_aside,
            "row_surplus": self._remove_rows,
            "row_other": self._update_rows,
            "index_wrong": self._repair_index,
            "rebuild_unfinished": self._repair_index,
            "fields_untyped": self._repair_index,
        }

    def repair(self, finding: Finding, should_stop: ShouldStop = lambda: False) -> int:
        """Repairs a finding that the check called repairable, and returns how many things were repaired.

        Meanwhile others may have repaired a part of it. Stopped, it leaves the rest as it is.
        """
        self._known = None
        way = self._ways.get(finding.kind)
        repaired = way(finding, should_stop) if way and finding.repairable else 0
        logger.info("doctor: %s in %s: %d of %d repaired", finding.kind, finding.place, repaired, finding.count)
        return repaired

    def _rewrite_records(self, finding: Finding, should_stop: ShouldStop) -> int:
        files = self._files(finding.subjects)
        repaired = 0
        for id in map(parse_content_id, finding.subjects):
            if should_stop():
                break
            if self._store.find(id) or self._recover(id, files[id], in_library=True):
                repaired += 1
        return repaired

    def _make_thumbnails(self, finding: Finding, should_stop: ShouldStop) -> int:
        repaired = 0
        for record in self._store.find_all(list(map(parse_content_id, finding.subjects))):
            if should_stop():
                break
            try:
                made = self._decoder.thumbnail(self._pictures.original(record.content_id))
            except StoreUnavailable:
                raise
            except LikenessError:  # its original is away or damaged
                continue
            self._store.add(record, None, made)
            repaired += 1
        return repaired

    def _move_orphans(self, finding: Finding, should_stop: ShouldStop) -> int:
        """Brings back intact originals that still have a row, moves others to the trash, and removes the rest."""
        files = self._files(finding.subjects)
        with_rows = {record.content_id for record in self._rows().values()}
        for done, id in enumerate(map(parse_content_id, finding.subjects)):
            if should_stop():
                return done
            if not any(file.kind in ("record", "trash") for file in files[id]):
                self._bring_back(id, files[id], has_row=id in with_rows)
        return finding.count

    def _renew_entries(self, finding: Finding, should_stop: ShouldStop) -> int:
        """Makes damaged entries of the trash anew, as if the picture had been deleted now."""
        files = self._files(finding.subjects)
        with_rows = {record.content_id for record in self._rows().values()}
        damaged = set(self._trash.damaged())  # others may have restored or repaired some meanwhile
        for done, id in enumerate(map(parse_content_id, finding.subjects)):
            if should_stop():
                return done
            if id in damaged:
                self._bring_back(id, files[id], has_row=id in with_rows)
        return finding.count

    def _bring_back(self, id: ContentId, files: Sequence[StoredFile], has_row: bool) -> None:
        """Brings a picture back from its original into the library or the trash; removes what is none."""
        if not ((has_row or self._trash.days) and self._recover(id, files, in_library=has_row)):
            for file in files:
                self._store.remove_file(file.name)

    def _remove_partial(self, finding: Finding, _: ShouldStop) -> int:
        for name in finding.subjects:
            self._store.remove_file(name)
        return finding.count

    def _set_aside(self, finding: Finding, _: ShouldStop) -> int:
        names = set(finding.subjects)
        for file in [each for each in self._store.files() if each.name in names]:
            if self._is_foreign(file):
                self._store.set_aside(file.name)
        return finding.count

    def _is_foreign(self, file: StoredFile) -> bool:
        """Returns whether no file of the library has come into the place of what was found there."""
        if not (file.is_in_place and file.id):
            return True
        record = self._store.find(file.id) if file.kind == "original" else None
        return record is not None and not record.img_path.endswith(f"/{file.name}")

    def _remove_rows(self, finding: Finding, _: ShouldStop) -> int:
        ids = {key: id_of(key) for key in finding.subjects}
        here = {record.content_id for record in self._store.find_all(list(ids.values()))}  # one was repaired meanwhile
        self._database.delete([key for key, id in ids.items() if id not in here])
        return finding.count

    def _update_rows(self, finding: Finding, _: ShouldStop) -> int:
        records = self._store.find_all(list(map(parse_content_id, finding.subjects)))
        self._database.update(records)
        return len(records)

    def _repair_index(self, finding: Finding, _: ShouldStop) -> int:
        self._database.named(finding.place).repair()
        return 1

    def _recover(self, id: ContentId, files: Sequence[StoredFile], in_library: bool) -> int:
        """Makes a record anew from the original, and takes its name and metadata from a row that still has them."""
        originals = [file for file in files if file.kind == "original"]
        for file in originals:
            with suppress(RejectedImage, UnknownPicture):
                record, small = self._described(id, file)
                if in_library:
                    self._store.add(record, None, small)
                else:
                    self._store.note_trashed(Trashed(record, iso_now(), small))
                return 1
        return 0

    def _described(self, id: ContentId, file: StoredFile) -> tuple[Record, bytes]:
        data = self._store.read_file(file.name)
        if content_id(data) != id:
            raise RejectedImage("damaged")
        picture, small = self._decoder.with_thumbnail(data)
        name = f"{id[:12]}.{picture.extension}"
        made = Record.of(id, picture, size=len(data), name=name, added=file.modified, source=RECOVERED, metadata={})
        if not made.img_path.endswith(file.name):
            raise RejectedImage("damaged")
        return self._rows().get(made.img_path, made), small

    def _rows(self) -> dict[str, Record]:
        """Returns the records that the rows of all collections have, read once for a finding."""
        if self._known is None:
            self._known = {}
            for each in self._database.stored():
                with self._database.named(each.name).loaded() as index:
                    self._known |= {key: record for key, record in index.rows().items() if record}
        return self._known

    def _files(self, subjects: Sequence[str]) -> dict[ContentId, list[StoredFile]]:
        files: dict[ContentId, list[StoredFile]] = {parse_content_id(id): [] for id in subjects}
        for file in self._store.files():
            if file.id in files:
                files[file.id].append(file)
        return files
