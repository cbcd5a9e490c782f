"""Checks the image store: that every picture is whole, and every file belongs to one."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from library.contents.readable import FEW, readable
from library.contents.stored_files import StoredFile
from library.doctor.findings import STORE, Finding
from library.errors import RejectedImage, StoreUnavailable, UnknownPicture
from library.images import ContentId, content_id
from library.ports import ImageStore
from library.records import Record

LEFT_BEHIND_AFTER = timedelta(hours=1)  # a younger file may be another process's work in hand
AT_ONCE = 200

OnProgress = Callable[[int, int | None], None]


def check_store(store: ImageStore, on_progress: OnProgress, should_stop: Callable[[], bool]) -> list[Finding]:
    """Returns what is wrong with the files; reads every original. Raises StoreUnavailable."""
    by_id: dict[ContentId, list[StoredFile]] = defaultdict(list)
    partial: list[str] = []
    foreign: list[str] = []
    for file in store.files():
        if not file.is_in_place:
            foreign.append(file.name)
        elif file.id:
            by_id[file.id].append(file)
        elif _is_old(file):
            partial.append(file.name)
    recorded = [id for id, files in by_id.items() if _of_kind(files, "record")]
    unreadable: list[ContentId] = []
    sound: dict[ContentId, Record] = {}
    for start in range(0, len(recorded), AT_ONCE):
        some = recorded[start : start + AT_ONCE]
        sound |= {record.content_id: record for record in readable(store, some, unreadable.append)}
    foreign += [file.name for id, record in sound.items() for file in _other_originals(record, by_id[id])]
    damaged = sorted(set(recorded) - sound.keys() - set(unreadable))
    closed = [_name_of(by_id[id], "record") for id in unreadable]
    thumbless = [id for id in sound if not any(file.bytes for file in _of_kind(by_id[id], "thumbnail"))]
    missing = [id for id, record in sound.items() if _lacks_original(record, by_id[id])]
    kept = [id for id in sound if _of_kind(by_id[id], "original")]
    others, closed_originals = _others(store, kept, on_progress, should_stop)
    closed += [_name_of(by_id[id], "original") for id in closed_originals]
    found = {
        "record_damaged": Finding(
            "record_damaged", STORE, tuple(damaged), any(_of_kind(by_id[id], "original") for id in damaged)
        ),
        "original_missing": Finding("original_missing", STORE, tuple(missing), repairable=False),
        "unreadable": Finding("unreadable", STORE, tuple(closed), repairable=False),
        "original_other": Finding("original_other", STORE, tuple(others), repairable=False),
        "thumbnail_missing": Finding("thumbnail_missing", STORE, tuple(thumbless)),
        "orphan": Finding("orphan", STORE, tuple(_orphans(by_id))),
        "partial": Finding("partial", STORE, tuple(partial)),
        "foreign": Finding("foreign", STORE, tuple(sorted(foreign)), store.sets_aside),
    }
    return [finding for finding in found.values() if finding.subjects]


def _others(
    store: ImageStore, ids: list[ContentId], on_progress: OnProgress, should_stop: Callable[[], bool]
) -> tuple[list[ContentId], list[ContentId]]:
    """Returns the pictures whose original has other bytes than those that they are named by, and those whose original
    cannot be read. Raises StoreUnavailable where none of the first few can."""
    others: list[ContentId] = []
    closed: list[ContentId] = []
    for done, id in enumerate(ids):
        if should_stop():
            break
        on_progress(done, len(ids))
        try:
            if content_id(store.original(id)) != id:
                others.append(id)
        except UnknownPicture:  # deleted meanwhile
            continue
        except RejectedImage:  # larger than any
            others.append(id)
        except StoreUnavailable:
            closed.append(id)
            if done + 1 == len(closed) == min(FEW, len(ids)) > 1:
                raise
    on_progress(len(ids), len(ids))
    return others, closed


def _name_of(files: list[StoredFile], kind: str) -> str:
    return _of_kind(files, kind)[0].name


def _orphans(by_id: dict[ContentId, list[StoredFile]]) -> list[ContentId]:
    return [
        id
        for id, files in by_id.items()
        if not _of_kind(files, "record") and not _of_kind(files, "trash") and all(map(_is_old, files))
    ]


def _lacks_original(record: Record, files: list[StoredFile]) -> bool:
    return not record.original_at and not set(_of_kind(files, "original")) - set(_other_originals(record, files))


def _other_originals(record: Record, files: list[StoredFile]) -> list[StoredFile]:
    return [file for file in _of_kind(files, "original") if not record.img_path.endswith(f"/{file.name}")]


def _of_kind(files: list[StoredFile], kind: str) -> list[StoredFile]:
    return [file for file in files if file.kind == kind]


def _is_old(file: StoredFile) -> bool:
    return datetime.now(UTC) - file.modified > LEFT_BEHIND_AFTER
