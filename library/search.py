"""What can be asked, what comes back, and how a text and a picture become one vector."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from library.errors import InvalidQuery
from library.filters import Filter
from library.images import ContentId
from library.ports import Explained, Hit, Vector
from library.records import Record
from library.relevance import Relevance

MAX_LIMIT = 200
MAX_DEPTH = 16_384  # hits: as far down as Milvus goes

Order = Literal["score", "name", "added", "size"]
ORDERS: tuple[Order, ...] = get_args(Order)


@dataclass(frozen=True)
class Query:
    """Words, a picture's bytes, or both; or else a picture of the library that others should resemble."""

    text: str = ""
    image: bytes | None = None
    similar_to: ContentId | None = None
    limit: int = 24
    nprobe: int | None = None  # None: the collection chooses
    exact: bool = False
    min_score: float = -1.0
    where: Filter | None = None
    order: Order = "score"
    offset: int = 0  # how many of the best hits are left out: those of the pages before

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MAX_LIMIT:
            raise InvalidQuery(f"The limit is {self.limit}: 1 to {MAX_LIMIT} results can be asked for.")
        if self.nprobe is not None and not 1 <= self.nprobe <= 65_536:
            raise InvalidQuery(f"nprobe is {self.nprobe}: 1 to 65536 is possible.")
        if not -1 <= self.min_score <= 1:
            raise InvalidQuery(f"The minimum score is {self.min_score}: -1 to 1 is possible.")
        if self.offset < 0 or self.offset + self.limit > MAX_DEPTH:
            raise InvalidQuery(f"Only the best {MAX_DEPTH:,} results can be paged through; a filter narrows them down.")
        as_order(self.order)


@dataclass(frozen=True)
class Timings:
    """Milliseconds of each stage. `load` includes waiting for another query's load."""

    encode: float
    load: float
    search: float
    total: float


@dataclass(frozen=True)
class Answer:
    hits: list[Hit]
    timings: Timings
    notes: list[str] = field(default_factory=list)  # what the person should know, such as a text that was cut
    anchor: Record | None = None  # the picture that the hits resemble, itself left out of them
    has_more: bool = False  # whether another page follows
    relevance: Mapping[ContentId, Relevance] = field(default_factory=dict)  # empty where nothing can be said
    confident: bool | None = None  # whether any hit stands out; None where nothing can be said
    model: str = ""
    explained: Explained | None = None


@dataclass(frozen=True)
class Listing:
    """A page of the pictures that match, without any search; `total` is how many match."""

    records: list[Record]
    total: int


def as_order(order: object) -> Order:
    """Raises InvalidQuery for anything but the orders there are."""
    for possible in ORDERS:
        if order == possible:
            return possible
    raise InvalidQuery(f"The order is {str(order)[:40]!r}: {', '.join(ORDERS)} are possible.")


def clean_text(text: str) -> str:
    """One line without control characters; joiners stay, since emoji are made with them."""
    spaced = "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in text)
    return " ".join(unicodedata.normalize("NFC", spaced).split())


def combine(vectors: Sequence[Vector]) -> Vector:
    """The normalised mean of unit vectors: the direction with the highest mean cosine to all of them."""
    mean = np.mean(vectors, axis=0)
    length = float(np.linalg.norm(mean))
    if length < 1e-6:
        raise InvalidQuery("The parts of this query cancel each other out. Leave one of them away.")
    unit: Vector = (mean / length).astype(np.float32)
    return unit
