"""Defines what the library needs from the rooms around it: an encoder, an image store, a vector database."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from library.contents.stored_files import StoredFile
from library.images import WORKING_SIDE, ContentId
from library.messages import Message
from library.records import Record
from library.search.filters import Filter
from library.trash.entries import Trashed

Vector = NDArray[np.float32]  # shape (dim,), unit length
Vectors = NDArray[np.float32]  # shape (n, dim), rows of unit length


@dataclass(frozen=True)
class EncoderInfo:
    """Describes an encoder. `fingerprint` tells apart two sets of weights under one name: a hub commit, or a hash.

    `preprocessing` is what happens to a decoded picture before the image tower sees it, as JSON can hold it;
    `input_side` is how many pixels a side the tower sees. `texts` names the model that reads texts, and
    `multilingual` says whether it reads more languages than English. `engine` says for each use what computes the tower
    and what was measured, once that was chosen.
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
    engine: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def working_side(self) -> int:
        """Returns the pixels that the shorter side of a decoded picture has at least: see `decode`."""
        return max(WORKING_SIDE, 3 * self.input_side // 2)


class Encoder(Protocol):
    """Maps pictures and texts into one space. Safe to call from several threads."""

    @property
    def info(self) -> EncoderInfo:
        """Returns what the encoder is and where it runs."""
        ...

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Returns a vector for each picture."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Returns a vector for each text."""
        ...

    def cuts(self, text: str) -> bool:
        """Returns whether the text is longer than the tower reads, so that its end is left out."""
        ...


class ImageStore(Protocol):
    """Keeps originals, thumbnails and records by content ID. A picture is there whole or not at all.

    Every method raises StoreUnavailable when the medium fails, and UnknownPicture for a missing picture.
    """

    sets_aside: bool  # whether files that are not its own can be moved out of it

    def add(self, record: Record, original: bytes | None, thumbnail: bytes) -> None:
        """Stores a picture in place of itself, if it is there already. Without an original, it stays where the
        record says."""
        ...

    def update(self, record: Record, original: bytes | None = None) -> None:
        """Replaces the record of a picture that is there, which keeps its time added; adds the original if given."""
        ...

    def find(self, id: ContentId) -> Record | None:
        """Returns the record of a picture; None where there is none."""
        ...

    def original(self, id: ContentId) -> bytes:
        """Returns the bytes of a picture's original."""
        ...

    def has_original(self, record: Record) -> bool:
        """Returns whether the original is stored, without reading it."""
        ...

    def thumbnail(self, id: ContentId) -> bytes:
        """Returns the stored thumbnail, a JPEG."""
        ...

    def location(self, record: Record) -> str:
        """Returns where the original lies if it is stored: an absolute path, or a URL."""
        ...

    def delete(self, id: ContentId) -> None:
        """Deletes a picture; does nothing for one that is not there."""
        ...

    def note_trashed(self, trashed: Trashed) -> None:
        """Writes the entry of a picture that is about to leave the library, or has left it, in place of an earlier
        one."""
        ...

    def hide(self, record: Record) -> None:
        """Takes a picture with an entry out of the library; its original stays where it is."""
        ...

    def trashed(self) -> dict[ContentId, datetime]:
        """Returns when each picture that the trash has an entry of was deleted, the latest first.

        A killed process may leave an entry of a picture that is in the library.
        """
        ...

    def find_trashed(self, ids: Sequence[ContentId]) -> list[Trashed]:
        """Returns the entries of those of `ids` that are in the trash, in the order of `ids`."""
        ...

    def clear_trashed(self, id: ContentId) -> None:
        """Removes an entry of the trash; all files of the picture too, unless it is in the library."""
        ...

    def files(self) -> Iterator[StoredFile]:
        """Yields every file there is, also those that belong to no picture."""
        ...

    def set_aside(self, name: str) -> None:
        """Moves a file that `files` has named out of the store, to a folder beside it, where `sets_aside`."""
        ...

    def read_file(self, name: str) -> bytes:
        """Returns the bytes of a file that `files` has named."""
        ...

    def remove_file(self, name: str) -> None:
        """Removes a file that `files` has named; does nothing where it is gone."""
        ...

    def count(self) -> int:
        """Returns how many pictures there are."""
        ...

    def ids(self) -> Sequence[ContentId]:
        """Returns the content IDs of all pictures, newest first."""
        ...

    def find_all(self, ids: Sequence[ContentId]) -> list[Record]:
        """Returns the records of those of `ids` that are stored, in the order of `ids`."""
        ...


@dataclass(frozen=True)
class Hit:
    """Names a picture that was found, and says how similar it is to the query."""

    record: Record  # without `original_at`, which only the image store knows
    score: float  # cosine similarity, -1 to 1
    rank: int = 0  # by the score, from 1 on, in whatever order the hits of a page are


@dataclass(frozen=True)
class Question:
    """Holds a search of a collection: `nprobe` None lets it choose, `without` are rows that do not count as hits."""

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
    """Says where a search went. `script` is a program that repeats it and prints the same hits; it names no address,
    folder or password, so that visitors may read it. `nprobe` is None where every cluster is looked into."""

    collection: str
    rows: int | None
    nlist: int
    nprobe: int | None
    script: str


@dataclass(frozen=True)
class IndexStatus:
    """Describes a collection and its server. Counters are those of this process; `rows` is None until counted once."""

    connected: bool
    problem: Message | None
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
    flushed_rows: int = 0  # on a server, when it was first asked: known before anything is loaded
    outdated_choice: int | None = None  # an nprobe that was chosen while the index had other clusters
    accelerated: bool | None = None  # whether Lite's walks over all rows are replaced; None on a server


IndexFault = Literal["index_wrong", "rebuild_unfinished", "fields_untyped"]


@dataclass(frozen=True)
class StoredCollection:
    """Describes a collection that is there, loaded or not. `model` and `created` are empty where they were not noted.

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
        """Returns the bytes that its vectors take in memory."""
        return 4 * self.dim * self.rows


class LoadedCollection(Protocol):
    """Searches and reads a collection that is in memory: no other can be searched or read."""

    def search(
        self,
        vector: Vector,
        limit: int,
        nprobe: int | None,
        exact: bool,
        where: Filter | None = None,
        offset: int = 0,
    ) -> list[Hit]:
        """Returns the most similar rows, best first. `nprobe=None` lets the collection choose; `exact` compares with
        every row.

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
        """Returns one list of hits for each vector, as `search` does, in one call."""
        ...

    def matching(self, where: Filter | None) -> list[Record]:
        """Returns all records that meet the filter, in no order."""
        ...

    def some(self, limit: int, having: str | None = None) -> list[Record]:
        """Returns at most that many records, any of them; only such with this field in their metadata, if it is
        given."""
        ...

    def nearest(self, vectors: Vectors, limit: int) -> list[dict[ContentId, float]]:
        """Returns the scores of the nearest rows of each vector, without their records and without counting a
        search."""
        ...

    def explain(self, question: Question) -> Explained:
        """Returns where such a search would go, without searching."""
        ...

    def present(self, img_paths: Sequence[str]) -> set[ContentId]:
        """Returns those of the pictures that have a row."""
        ...

    def rows(self) -> dict[str, Record | None]:
        """Returns the record of every row by its key; None for a row whose values are not those of a record."""
        ...

    def vectors(self, img_paths: Sequence[str]) -> dict[ContentId, Vector]:
        """Returns the vectors of those of the pictures that have a row."""
        ...

    def count(self) -> int:
        """Returns how many rows there are."""
        ...


class Collection(Protocol):
    """Keeps the vectors of one encoder. Every method raises IndexUnavailable when Milvus does not answer."""

    def upsert(self, records: Sequence[Record], vectors: Vectors) -> None:
        """Inserts a row for each picture, in place of the row it may have."""
        ...

    def loaded(self) -> AbstractContextManager[LoadedCollection]:
        """Yields the collection loaded into memory: loads it for the first holder, releases it after the last."""
        ...

    def optimize(self) -> None:
        """Flushes what is worth flushing after a run, and rebuilds an index that the rows have outgrown."""
        ...

    def index_all(self) -> None:
        """Waits until every row is in an index of as many clusters as the rows call for. Searches wait meanwhile."""
        ...

    def faults(self) -> list[IndexFault]:
        """Returns what is wrong with the index itself, whatever rows there are."""
        ...

    def repair(self) -> None:
        """Rebuilds an index of a wrong type, and finishes a rebuild that was interrupted."""
        ...

    def choose_nprobe(self, nprobe: int | None) -> None:
        """Sets how many clusters searches look into until the index has other clusters; None takes that back.

        Raises StoreUnavailable where the choice cannot be kept.
        """
        ...

    def status(self, expected_rows: int | None = None) -> IndexStatus:
        """Returns the status of the collection. Never raises, never waits for more than a moment, never loads.

        Counts where that is due, and where the last count is not the expected one.
        """
        ...


class VectorDatabase(Protocol):
    """Keeps a collection for each encoder."""

    def collection(self, encoder: EncoderInfo) -> Collection:
        """Returns the collection of this encoder and no other; the same object for the same encoder."""
        ...

    def holds(self, encoder: EncoderInfo) -> bool:
        """Returns whether there is a collection of this encoder. Raises IndexUnavailable."""
        ...

    def stored(self) -> list[StoredCollection]:
        """Returns every collection there is, by name, without loading any. Raises IndexUnavailable."""
        ...

    def name_of(self, encoder: EncoderInfo) -> str:
        """Returns the name of the encoder's collection, whether it is there or not."""
        ...

    def named(self, name: str) -> Collection:
        """Returns a collection that is there, whatever model it is of. Raises UnknownCollection or IndexUnavailable."""
        ...

    def drop(self, name: str) -> None:
        """Deletes a collection; the next use makes it anew. Raises UnknownCollection or IndexUnavailable."""
        ...

    def update(self, records: Sequence[Record]) -> None:
        """Puts the records into the rows they have, in every collection; the vectors stay."""
        ...

    def delete(self, img_paths: Sequence[str]) -> None:
        """Removes the rows from every collection."""
        ...

    def close(self) -> None:
        """Flushes, releases the collections and closes the files."""
        ...
