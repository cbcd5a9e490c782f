"""Describes one picture in a record, which is kept beside it and part of every hit."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from library.images import ContentId, Picture, parse_content_id
from library.texts import encodable, escaped, without_controls
from library.times import iso_utc

Metadata = Mapping[str, object]

# Of an original; these are the store's own files.
ENDING = re.compile(r"(?!(json|trash|added|partial)$)[A-Za-z0-9]{1,16}", re.ASCII)
LARGEST = 2**63 - 1  # that Milvus keeps
NOT_KEPT = "pack://"  # where the original of a picture lies that came in a pack without it


@dataclass(frozen=True)
class Record:
    """Describes one picture of the library."""

    content_id: ContentId
    img_path: str  # images/<2 hex>/<content id>.<extension>; the store keeps what follows images/ below its root
    name: str
    format: str
    width: int
    height: int
    bytes: int
    added: str  # ISO 8601, UTC, to the microsecond: sorts as text
    source: str
    metadata: Metadata = field(default_factory=dict)
    original_at: str = ""  # a path or URL, where the store has only the thumbnail and this record
    from_sidecars: tuple[str, ...] = ()  # the metadata that were said by files beside it, and by nothing else

    @classmethod
    def of(
        cls,
        id: ContentId,
        picture: Picture,
        *,
        size: int,
        name: str,
        added: datetime,
        source: str,
        metadata: Metadata,
        original_at: str = "",
    ) -> "Record":
        """Makes the record of a picture that enters the library; `size` is that of the original in bytes."""
        return cls(
            content_id=id,
            img_path=f"images/{id[:2]}/{id}.{picture.extension}",
            name=clean_name(name),
            format=picture.format,
            width=picture.width,
            height=picture.height,
            bytes=size,
            added=iso_utc(added, "microseconds"),
            source=encodable(source),
            metadata=given(metadata),
            original_at=original_at,
        )

    def to_json(self) -> str:
        """Returns the record as the store writes it."""
        return escaped(json.dumps(asdict(self), ensure_ascii=False, indent=1))

    @classmethod
    def from_json(cls, text: str) -> "Record":
        """Reads a record that the store has written. Raises ValueError or TypeError for anything else."""
        record = cls(**json.loads(text))
        record.check()
        return replace(record, from_sidecars=tuple(record.from_sidecars))

    def check(self) -> None:
        """Raises ValueError or TypeError where a value is not of its type."""
        texts = (self.content_id, self.img_path, self.name, self.format, self.added, self.source, self.original_at)
        numbers = (self.width, self.height, self.bytes)
        if not (all(isinstance(each, str) for each in texts) and isinstance(self.metadata, dict)):
            raise TypeError
        if not all(isinstance(each, str) for each in self.from_sidecars):
            raise TypeError
        if not all(isinstance(each, int) and not isinstance(each, bool) for each in numbers):
            raise TypeError
        start, _, ending = self.img_path.partition(".")
        if start != f"images/{self.content_id[:2]}/{self.content_id}" or not ENDING.fullmatch(ending):
            raise ValueError
        if not 1 <= min(numbers) <= max(numbers) <= LARGEST:
            raise ValueError
        datetime.fromisoformat(self.added)

    @property
    def added_at(self) -> datetime:
        """Returns when the picture was added."""
        return datetime.fromisoformat(self.added)


def given(metadata: Metadata) -> Metadata:
    """Returns the metadata without the fields that are None, as an empty cell of a table makes them."""
    return {name: value for name, value in metadata.items() if value is not None}


def id_of(img_path: str) -> ContentId:
    """Returns the content ID that an image path ends with. Raises InvalidContentId where it is none."""
    name = img_path.rpartition("/")[2]  # a Path for each hit would take as long as all else of it
    return parse_content_id(name.rpartition(".")[0] or name)


def clean_name(name: str) -> str:
    """Returns the last part of a path as text that any screen can show: control characters become visible marks."""
    last = re.split(r"[/\\]", encodable(name).rstrip("/\\"))[-1]
    return without_controls(last)[:255] or "unnamed"
