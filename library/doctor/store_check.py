"""Checks the image store: that every picture is whole, and every file belongs to one."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from library.contents.readable import readable
from library.contents.stored_files import StoredFile
from library.doctor.file_reading import OnProgress, read_files
from library.doctor.findings import STORE, Finding, parted
from library.images import ContentId
from library.ports import ImageStore
from library.records import NOT_KEPT, Record

LEFT_BEHIND_AFTER = timedelta(hours=1)  # a younger file may be another process's work in hand
AT_ONCE = 200


class StoreCheck(NamedTuple):
    """Says what is wrong with the files, which pictures may come back from them, so that their rows stay, which have
    no original any more that anything could be made from, and how many files are too young to be looked at."""

    findings: list[Finding]
    unsettled: frozenset[ContentId]
    lost: frozenset[ContentId]
    young: int


def check_store(store: ImageStore, on_progress: OnProgress, should_stop: Callable[[], bool]) -> StoreCheck:
    """Checks all files; reads every original and thumbnail. Raises StoreUnavailable."""
    files = _Files.of(store.files())
    recorded = files.having("record")
    sound, closed_records = _records(store, recorded)
    damaged = sorted(set(recorded) - sound.keys() - set(closed_records))
    missing = [id for id, record in sound.items() if files.lack_original(record)]
    thumbless = [id for id in sound if not any(file.bytes for file in files.of_kind(id, "thumbnail"))]
    kept, shown = set(files.having("original")), set(sound) - set(thumbless)
    read = read_files(store, list(sound), kept, shown, on_progress, should_stop)
    closed = [files.name_of(id, "record") for id in closed_records]
    closed += [files.name_of(id, "original") for id in read.closed_originals]
    closed += [files.name_of(id, "thumbnail") for id in read.closed_thumbnails]
    foreign = files.foreign + [file.name for record in sound.values() for file in files.other_originals(record)]
    not_kept = [id for id, record in sound.items() if record.original_at == NOT_KEPT and id not in kept]
    lost = frozenset([*missing, *not_kept, *read.other_originals, *read.closed_originals])
    found = [
        *parted("record_damaged", STORE, damaged, set(damaged) - kept),
        Finding("original_missing", STORE, tuple(missing), repairable=False),
        Finding("unreadable", STORE, tuple(closed), repairable=False),
        Finding("original_other", STORE, tuple(read.other_originals), repairable=False),
        *parted("thumbnail_missing", STORE, thumbless, lost),
        *parted("thumbnail_damaged", STORE, read.damaged_thumbnails, lost),
        Finding("orphan", STORE, tuple(files.orphans())),
        Finding("partial", STORE, tuple(files.partial)),
        Finding("foreign", STORE, tuple(sorted(foreign)), store.sets_aside),
    ]
    unsettled = frozenset([*damaged, *files.young()])
    return StoreCheck([finding for finding in found if finding.subjects], unsettled, lost, files.count_young())


@dataclass(frozen=True)
class _Files:
    """Holds the files of the store: those of each picture, what killed writes left, and what is none of its own."""

    by_id: dict[ContentId, list[StoredFile]]
    partial: list[str]
    foreign: list[str]
    young_partial: list[str]

    @classmethod
    def of(cls, listed: Iterable[StoredFile]) -> "_Files":
        files = cls(defaultdict(list), [], [], [])
        for file in listed:
            if not file.is_in_place:
                files.foreign.append(file.name)
            elif file.id:
                files.by_id[file.id].append(file)
            else:
                (files.partial if _is_old(file) else files.young_partial).append(file.name)
        return files

    def of_kind(self, id: ContentId, kind: str) -> list[StoredFile]:
        return [file for file in self.by_id[id] if file.kind == kind]

    def having(self, kind: str) -> list[ContentId]:
        return [id for id in self.by_id if self.of_kind(id, kind)]

    def name_of(self, id: ContentId, kind: str) -> str:
        return self.of_kind(id, kind)[0].name

    def lack_original(self, record: Record) -> bool:
        originals = set(self.of_kind(record.content_id, "original"))
        return not record.original_at and not originals - set(self.other_originals(record))

    def other_originals(self, record: Record) -> list[StoredFile]:
        """Returns the originals of a picture that lie under another name than its record says."""
        originals = self.of_kind(record.content_id, "original")
        return [file for file in originals if not record.img_path.endswith(f"/{file.name}")]

    def orphans(self) -> list[ContentId]:
        """Returns the pictures that are neither in the library nor in the trash, and not being added right now."""
        return [id for id, files in self._without_picture().items() if all(map(_is_old, files))]

    def young(self) -> list[ContentId]:
        """Returns the pictures without a record that have an original, and may be being added right now."""
        waiting = [id for id, files in self._without_picture().items() if not all(map(_is_old, files))]
        return [id for id in waiting if self.of_kind(id, "original")]

    def count_young(self) -> int:
        """Returns how many files are of no picture and may be being written right now."""
        of_none = [file for files in self._without_picture().values() for file in files]
        return sum(not _is_old(file) for file in of_none) + len(self.young_partial)

    def _without_picture(self) -> dict[ContentId, list[StoredFile]]:
        known = {*self.having("record"), *self.having("trash")}
        return {id: files for id, files in self.by_id.items() if id not in known}


def _records(store: ImageStore, ids: Sequence[ContentId]) -> tuple[dict[ContentId, Record], list[ContentId]]:
    """Returns the records that are sound, and the pictures whose record cannot be read."""
    closed: list[ContentId] = []
    sound: dict[ContentId, Record] = {}
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        sound |= {record.content_id: record for record in readable(store, some, closed.append)}
    return sound, closed


def _is_old(file: StoredFile) -> bool:
    return datetime.now(UTC) - file.modified > LEFT_BEHIND_AFTER
