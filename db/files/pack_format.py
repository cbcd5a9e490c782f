"""Defines what a pack consists of: the columns of its tables and the fields of its manifest."""

import hashlib
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow
import pyarrow.parquet
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from library.errors import InvalidPack
from library.ingest.packs import Contents

VERSION: Literal[1] = 1
MANIFEST = "manifest.json"
FILE_NAME = re.compile(r"pictures-\d{5,9}\.parquet")

VECTOR = "vector"
TIME = pyarrow.timestamp("us", tz="UTC")
RECORD_COLUMNS = {
    "content_id": pyarrow.string(),
    "img_path": pyarrow.string(),
    "name": pyarrow.string(),
    "format": pyarrow.string(),
    "width": pyarrow.int32(),
    "height": pyarrow.int32(),
    "bytes": pyarrow.int64(),
    "added": TIME,
    "source": pyarrow.string(),
    "metadata": pyarrow.string(),  # JSON: names and values are the user's own
    "original_at": pyarrow.string(),
}


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it is not one line of text")
    return text


Line = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_one_line)]
Count = Annotated[int, Field(ge=0)]


class ManifestFile(BaseModel):
    """Describes one table of a pack, as the manifest does."""

    model_config = ConfigDict(strict=True, frozen=True)

    name: Annotated[str, Field(pattern=rf"^{FILE_NAME.pattern}$")]
    rows: Count
    bytes: Count
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ManifestJson(BaseModel):
    """Describes the manifest of a pack, as its file has it."""

    model_config = ConfigDict(strict=True, frozen=True)

    format: Literal["likeness pack"] = "likeness pack"
    version: Literal[1] = VERSION
    likeness: Line
    created: Line
    model: Line
    revision: Line
    dimension: Annotated[int, Field(ge=1, le=32_768)]
    dtype: Line
    preprocessing: dict[str, JsonValue]
    count: Count
    thumbnails: bool
    originals: bool
    files: list[ManifestFile]


def pack_folder(place: str) -> Path:
    """Returns the folder of a pack. Raises InvalidPack for what is no place on this machine."""
    if "://" in place:
        raise InvalidPack("pack_not_local", place=place)
    return Path(os.path.expanduser(place))


def pack_schema(dim: int, contents: Contents) -> Any:
    """Returns the columns of the tables, in order."""
    columns = [*RECORD_COLUMNS.items(), (VECTOR, pyarrow.list_(pyarrow.float32(), dim))]
    if contents.thumbnails:
        columns.append(("thumbnail", pyarrow.binary()))
    if contents.originals:
        columns.append(("original", pyarrow.binary()))
    return pyarrow.schema(columns)


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
