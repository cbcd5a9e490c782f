"""Describes a deleted picture as the image store keeps it for a while, with all that brings it back."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from library.records import Record
from library.texts import escaped

LITTLE_ENDIAN = np.dtype("<f4")
LONG_AGO = "1970-01-01T00:00:00.000000Z"  # when something was deleted that is to be removed at once


@dataclass(frozen=True)
class Trashed:
    """Holds what the files of a deleted picture do not say: its record, its thumbnail, its vectors by collection."""

    record: Record
    deleted: str  # ISO 8601, UTC
    thumbnail: bytes = field(repr=False)
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def deleted_at(self) -> datetime:
        """Returns when the picture was deleted."""
        return datetime.fromisoformat(self.deleted)

    def to_json(self) -> str:
        """Returns the entry as the JSON that the image store writes."""
        vectors = {name: _encoded(vector.astype(LITTLE_ENDIAN).tobytes()) for name, vector in self.vectors.items()}
        fields = {
            "deleted": self.deleted,
            "record": asdict(self.record),
            "thumbnail": _encoded(self.thumbnail),
            "vectors": vectors,
        }
        return escaped(json.dumps(fields, ensure_ascii=False, indent=1))

    @classmethod
    def from_json(cls, text: str) -> "Trashed":
        """Returns the entry that the image store has written as JSON. Raises ValueError, TypeError or KeyError."""
        fields = json.loads(text)
        vectors = {
            str(name): np.frombuffer(b64decode(data), LITTLE_ENDIAN).astype(np.float32)
            for name, data in fields["vectors"].items()
        }
        if datetime.fromisoformat(fields["deleted"]).tzinfo is None:
            raise ValueError
        record = Record.from_json(json.dumps(fields["record"]))
        return cls(record, fields["deleted"], b64decode(fields["thumbnail"]), vectors)


def _encoded(data: bytes) -> str:
    return b64encode(data).decode("ascii")
