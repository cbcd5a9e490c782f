"""Describes deleted pictures for a Python program."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from library.images import ContentId
from library.records import Record
from library.trash.entries import Trashed
from library.trash.trash import Trash


@dataclass(frozen=True)
class TrashedPicture:
    """Describes a picture in the trash: what is known of it, when it was deleted, and until when it is kept."""

    content_id: ContentId
    name: str
    deleted: datetime
    expires: datetime
    record: Record

    @classmethod
    def of(cls, trashed: Trashed, trash: Trash) -> Self:
        """Makes the description of a picture from its entry in the trash."""
        record, deleted = trashed.record, trashed.deleted_at
        return cls(record.content_id, record.name, deleted, trash.expires(deleted), record)
