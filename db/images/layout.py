"""Names the files of the image store, in a folder and in a bucket alike, and reads what they say."""

import logging
from contextlib import suppress
from datetime import datetime
from pathlib import PurePosixPath

from library.contents.stored_files import FileKind, StoredFile
from library.errors import InvalidContentId, UnknownPicture
from library.images import ContentId, parse_content_id
from library.records import Record
from library.running.atomic import PARTIAL_SUFFIX
from library.trash.entries import Trashed

logger = logging.getLogger(__name__)

RECORD_SUFFIX = ".json"
THUMBNAIL_SUFFIX = ".thumb.jpg"
TRASH_SUFFIX = ".trash"
ADDED_SUFFIX = ".added"  # in buckets


def stored_file(name: str, size: int, modified: datetime) -> StoredFile:
    """Returns what a file of the store is by its name, with the content ID in it where there is one."""
    stem, _, suffix = name.rpartition("/")[2].partition(".")
    try:
        id: ContentId | None = parse_content_id(stem)
    except InvalidContentId:
        id = None
    kinds: dict[str, FileKind] = {
        RECORD_SUFFIX: "record",
        THUMBNAIL_SUFFIX: "thumbnail",
        TRASH_SUFFIX: "trash",
        ADDED_SUFFIX: "order",
        PARTIAL_SUFFIX: "partial",
    }
    by_suffix = next((kind for ending, kind in kinds.items() if name.endswith(ending)), None)
    return StoredFile(name, id, by_suffix or ("original" if id and suffix else "other"), size, modified)


def latest_first(deleted: dict[ContentId, datetime]) -> dict[ContentId, datetime]:
    """Returns the deletions in the order of the trash: the latest first, then by content ID."""
    return dict(sorted(deleted.items(), key=lambda pair: (-pair[1].timestamp(), pair[0])))


def original_name(record: Record) -> str:
    """Returns the name of the file that holds the original of a picture."""
    return PurePosixPath(record.img_path).name


def whole_entry(id: ContentId, json: bytes) -> Trashed | None:
    """Returns an entry of the trash; None for a damaged one, which the doctor makes anew."""
    with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
        trashed = Trashed.from_json(json.decode())
        if trashed.record.content_id == id:
            return trashed
    logger.warning("What the trash says of %s is damaged: doctor --fix makes it anew from the original.", id)
    return None


def unknown_picture() -> UnknownPicture:
    """Returns the error for a picture that is not in the store."""
    return UnknownPicture("gone")
