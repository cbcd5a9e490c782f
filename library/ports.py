"""What the library asks of the rooms around it: an encoder, an image store, a vector database."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from library.images import WORKING_SIDE, ContentId
from library.records import Record
from library.search.filters import Filter

Vector = NDArray[np.float32]  # shape (dim,), unit length
Vectors = NDArray[np.float32]  # shape (n, dim), rows of unit length


@dataclass(frozen=True)
class EncoderInfo:
    """`fingerprint` tells apart two sets of weights under one name: a hub commit, or a hash of the files.

    `preprocessing` is what happens to a decoded picture before the image tower sees it, as JSON can hold it;
    `input_side` is how many pixels a side the tower sees. `texts` names the model that reads texts, and
    `multilingual` says whether it reads more languages than English.
    """

    name: str
    fingerprint: str
    dim: int
    device: str
    dtype: str
    preprocessing: Mapping[str, Any] = field(default_factory=dict, compare=False)
    input_side: int = field(default=224, compare=False)
    texts: str = field(default="", compare=False)
    multilingual: bool = field(default=False, compare=False)

    @property
    def working_side(self) -> int:
        """What the shorter side of a decoded picture has at least: see `decode`."""
        return max(WORKING_SIDE, 3 * self.input_side // 2)


class Encoder(Protocol):
    """Maps pictures and texts into one space. Safe to call from several threads."""

    @property
    def info(self) -> EncoderInfo: ...
    def encode_images(self, images: Sequence[Image.Image]) -> Vectors: ...
    def encode_texts(self, texts: Sequence[str]) -> Vectors: ...
    def cuts(self, text: str) -> bool:
        """Whether the text is longer than the tower reads, so that its end is left out."""
        ...


class ImageStore(Protocol):
    """Originals, thumbnails and records by content ID. A picture is there whole or not at all.

    Every method raises StoreUnavailable when the medium fails, and UnknownPicture for a missing picture.
    """

    def add(self, record: Record, original: bytes | None, thumbnail: bytes) -> None:
        """Adding a picture that is there already replaces it by itself. No original: it stays where the record says."""
        ...

    def update(self, record: Record, original: bytes | None = None) -> None:
        """Replaces the record of a picture that is there, which keeps its time added; adds the original if given."""
        ...

    def find(self, id: ContentId) -> Record | None: ...
    def original(self, id: ContentId) -> bytes: ...
    def has_original(self, record: Record) -> bool:
        """Without reading it."""
        ...

    def thumbnail(self, id: ContentId) -> bytes: ...
    def delete(self, id: ContentId) -> None:
        """Deleting a picture that is not there does nothing."""
        ...

    def count(self) -> int: ...
    def ids(self) -> Sequence[ContentId]:
        """Of all pictures, newest first."""
        ...

    def find_all(self, ids: Sequence[ContentId]) -> list[Record]:
        """The records of those that are there, in that order."""
        ...


@dataclass(frozen=True)
class Hit:
    record: Record  # without `original_at`, which only the image store knows
    score: float  # cosine similarity, -1 to 1


@dataclass(frozen=True)
class Question:
    """What a collection was asked: `nprobe` None lets it choose, `without` are rows that do not count as hits."""

    vector: Vector = field(repr=False)
    limit: int
    nprobe: int | None
    exact: bool
    min_score: float = -1.0
    without: Sequence[str] = ()
    where: Filter | None = None
    offset: int = 0


@dataclass(frozen=True)
class Explained:
    """Where a question went. `script` is a program that asks it again and prints the same hits; it names no address,
    folder or password, so that visitors may read it. `nprobe` is None where every cluster is looked into."""

    collection: str
    rows: int | None
    nlist: int
    nprobe: int | None
    script: str


@dataclass(frozen=True)
class IndexStatus:
    """Counters are those of this process; `rows` is None until they were counted for the first time."""

    connected: bool
    problem: str | None
    backend: str  # "Milvus Lite" or "Milvus"
    version: str | None
    collection: str
    rows: int | None
    rows_are_current: bool
    index_type: str
    metric: str
    nlist: int
    state: str  # released, loading, loaded, releasing, rebuilding
    seconds_until_release: float | None
    loads: int
    releases: int
    searches: int
    nprobe: int | None = None  # what a search looks into by itself; None while the rows are not counted
    nprobe_is_chosen: bool = False
    outdated_choice: int | None = None  # an nprobe that was chosen while the index had other clusters


@dataclass(frozen=True)
class StoredCollection:
    """One that is there, loaded or not. `model` and `created` are empty where whoever made it did not note them.

    `rows` may be out of date by what was written or deleted a moment ago.
    """

    name: str
    model: str
    fingerprint: str
    dim: int
    rows: int
    created: str  # ISO 8601, UTC

    @property
    def vector_bytes(self) -> int:
        return 4 * self.dim * self.rows


class LoadedCollection(Protocol):
    """A collection in memory: the only thing that can be searched or read."""

    def search(
        self,
        vector: Vector,
        limit: int,
        nprobe: int | None,
        exact: bool,
        where: Filter | None = None,
        offset: int = 0,
    ) -> list[Hit]:
        """Best first. `nprobe=None` lets the collection choose; `exact` compares with every row.

        Pages of one list, each at the `offset` where the one before ended, share no hit and miss none.
        """
        ...

    def search_many(
        self,
        vectors: Vectors,
        limit: int,
        nprobe: int | None,
        exact: bool,
        where: Filter | None = None,
        offset: int = 0,
    ) -> list[list[Hit]]:
        """One list for each vector, as `search` has it, in one call."""
        ...

    def matching(self, where: Filter | None) -> list[Record]:
        """All of them, in no order."""
        ...

    def some(self, limit: int, having: str | None = None) -> list[Record]:
        """As many as there are, at most that; of those that have this field in their metadata, if it is given."""
        ...

    def nearest(self, vectors: Vectors, limit: int) -> list[dict[ContentId, float]]:
        """The scores of the nearest rows of each vector, without their records. Not one of the searches counted."""
        ...

    def explain(self, asked: Question) -> Explained:
        """Asks nothing."""
        ...

    def present(self, img_paths: Sequence[str]) -> set[ContentId]:
        """Those of them that have a row."""
        ...

    def vectors(self, img_paths: Sequence[str]) -> dict[ContentId, Vector]:
        """Those of them that have a row."""
        ...

    def count(self) -> int: ...


class Collection(Protocol):
    """The vectors of one encoder. Every method raises IndexUnavailable when Milvus does not answer."""

    def upsert(self, records: Sequence[Record], vectors: Vectors) -> None: ...
    def loaded(self) -> AbstractContextManager[LoadedCollection]:
        """Loads before the first holder, releases after the last."""
        ...

    def optimize(self) -> None:
        """Called after a run: flushes what is worth flushing, and rebuilds an index that the rows have outgrown."""
        ...

    def index_all(self) -> None:
        """Returns once every row is in the index, of as many clusters as the rows call for. Searches wait meanwhile."""
        ...

    def choose_nprobe(self, nprobe: int | None) -> None:
        """What searches look into from now on, until the index has other clusters; None takes that back.

        Raises StoreUnavailable where the choice cannot be kept.
        """
        ...

    def status(self, expected_rows: int | None = None) -> IndexStatus:
        """Never raises, never waits for more than a moment, never loads.

        Counts where that is due, and where the last count is not the expected one.
        """
        ...


class VectorDatabase(Protocol):
    def collection(self, encoder: EncoderInfo) -> Collection:
        """The collection of this encoder and no other; the same object for the same encoder."""
        ...

    def holds(self, encoder: EncoderInfo) -> bool:
        """Whether there is a collection of this encoder. Raises IndexUnavailable."""
        ...

    def stored(self) -> list[StoredCollection]:
        """Every one there is, by name, without loading any. Raises IndexUnavailable."""
        ...

    def name_of(self, encoder: EncoderInfo) -> str: ...
    def drop(self, name: str) -> None:
        """Its vectors are gone; the next use makes it anew. Raises UnknownCollection or IndexUnavailable."""
        ...

    def update(self, records: Sequence[Record]) -> None:
        """Puts the records into the rows they have, in every collection; the vectors stay."""
        ...

    def delete(self, img_paths: Sequence[str]) -> None:
        """Removes the rows from every collection."""
        ...

    def close(self) -> None:
        """Flushes, releases and lets go of the files."""
        ...
