"""What is known about one picture, as kept beside it and carried by every hit."""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath

from library.images import ContentId, Picture, parse_content_id

Metadata = Mapping[str, object]

NOT_KEPT = "pack://"  # where the original of a picture lies that came in a pack without it


@dataclass(frozen=True)
class Record:
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
        """A record for a picture that enters the library; `size` is that of the original in bytes."""
        return cls(
            content_id=id,
            img_path=f"images/{id[:2]}/{id}.{picture.extension}",
            name=clean_name(name),
            format=picture.format,
            width=picture.width,
            height=picture.height,
            bytes=size,
            added=added.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            source=encodable(source),
            metadata=given(metadata),
            original_at=original_at,
        )

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Record":
        return cls(**json.loads(text))

    @property
    def added_at(self) -> datetime:
        return datetime.fromisoformat(self.added)


def given(metadata: Metadata) -> Metadata:
    """Without the fields that are None: an empty cell of a table."""
    return {name: value for name, value in metadata.items() if value is not None}


def id_of(img_path: str) -> ContentId:
    """The stem of an image path. Raises InvalidContentId where it is none."""
    return parse_content_id(PurePath(img_path).stem)


def clean_name(name: str) -> str:
    """The last part of a path as text that any screen can show: control characters become visible marks."""
    last = re.split(r"[/\\]", encodable(name).rstrip("/\\"))[-1]
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_control(char) else char for char in last)[:255] or "unnamed"


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Zl", "Zp")


def encodable(text: str) -> str:
    # Names that are not UTF-8 reach Python with lone surrogates, which neither JSON nor Milvus can carry.
    return text.encode("utf-8", "replace").decode()
