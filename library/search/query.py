"""Holds what is searched for and what comes back: queries, answers and listings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from library import validation
from library.errors import InvalidFilter, InvalidQuery
from library.images import ContentId
from library.messages import Message
from library.ports import Explained, Hit
from library.records import Record
from library.search.filters import Filter
from library.search.parts import LibraryPart, Part, PicturePart, TextPart, check_parts, clean_text
from library.search.relevance import QueryKind, Relevance

DEFAULT_LIMIT = 24
SHORT_LIMIT = 10  # where the results are read as text
MAX_LIMIT = 200
MAX_NPROBE = 65_536
MAX_DEPTH = 16_384  # hits: as far down as Milvus goes

SortOrder = Literal["score", "name", "added", "size"]
ORDERS: tuple[SortOrder, ...] = get_args(SortOrder)


@dataclass(frozen=True)
class Query:
    """Holds texts and pictures to search by, with weights, negative ones for what the results should not resemble."""

    parts: tuple[Part, ...] = ()
    limit: int = DEFAULT_LIMIT
    nprobe: int | None = None  # None: the collection chooses
    exact: bool = False
    min_score: float = -1.0
    where: Filter | None = None
    order: SortOrder = "score"
    offset: int = 0  # how many of the best hits are left out: those of the pages before
    model: str = ""  # empty: the one that answers

    def __post_init__(self) -> None:
        self._check_types()
        check_parts(self.parts)
        if not 1 <= self.limit <= MAX_LIMIT:
            raise InvalidQuery("limit_out_of_range", limit=validation.shown(self.limit), most=MAX_LIMIT)
        if self.nprobe is not None and not 1 <= self.nprobe <= MAX_NPROBE:
            raise InvalidQuery("nprobe_out_of_range", nprobe=validation.shown(self.nprobe), most=str(MAX_NPROBE))
        if not -1 <= self.min_score <= 1:
            raise InvalidQuery("min_score_out_of_range", min_score=str(self.min_score))
        if self.offset < 0:
            raise InvalidQuery("offset_out_of_range", offset=validation.shown(self.offset))
        if self.offset + self.limit > MAX_DEPTH:
            raise InvalidQuery("too_deep", most=MAX_DEPTH)
        as_order(self.order)

    @classmethod
    def of(
        cls, text: str = "", *, image: bytes | None = None, similar_to: ContentId | None = None, **options: Any
    ) -> "Query":
        """Makes a query of one part each, where given, with weight 1. An empty text is none."""
        parts: list[Part] = [TextPart(text)] if clean_text(text) else []
        parts += [PicturePart(image)] if image else []
        parts += [LibraryPart(similar_to)] if similar_to else []
        return cls(tuple(parts), **options)

    def _check_types(self) -> None:
        if not isinstance(self.parts, tuple) or not all(isinstance(part, Part) for part in self.parts):
            raise InvalidQuery("parts_no_list")
        for name in ("limit", "offset", *([] if self.nprobe is None else ["nprobe"])):
            object.__setattr__(self, name, validation.whole(getattr(self, name), name))
        if not validation.is_number(self.min_score):
            raise InvalidQuery("no_number", what="minimum score", given=validation.shown(self.min_score))
        validation.flag(self.exact, "exact")
        if not isinstance(self.model, str):
            raise InvalidQuery("no_text", what="model", given=validation.shown(self.model))
        if not isinstance(self.where, Filter | None):
            raise InvalidFilter("filter_no_list")

    @property
    def only_lists(self) -> bool:
        """Returns whether nothing is searched for and a filter or an order says which pictures are listed."""
        return not self.parts and (self.where is not None or self.order != "score")

    @property
    def kind(self) -> QueryKind:
        """Returns "text", "picture" or, for a search with both, "mix"."""
        of_texts = [isinstance(part, TextPart) for part in self.parts]
        return "text" if all(of_texts) else "mix" if any(of_texts) else "picture"

    @property
    def pictures(self) -> list[ContentId]:
        """Returns the pictures of the library that are searched with, each once."""
        return list(dict.fromkeys(part.id for part in self.parts if isinstance(part, LibraryPart)))


@dataclass(frozen=True)
class Timings:
    """Holds the milliseconds of each stage. `load` includes waiting for another query's load."""

    encode: float
    load: float
    search: float
    total: float

    def stages(self) -> list[tuple[Literal["encode", "load", "milvus"], float]]:
        """Returns the milliseconds of each stage by its name."""
        return [("encode", self.encode), ("load", self.load), ("milvus", self.search)]

    def __str__(self) -> str:
        return f"encode {self.encode:.1f} ms, load {self.load:.1f} ms, search {self.search:.1f} ms"


@dataclass(frozen=True)
class Answer:
    """Holds one page of hits and what is to be said about them."""

    hits: list[Hit]
    timings: Timings
    notes: list[Message] = field(default_factory=list)  # what the person should know, such as a text that was cut
    pictures: list[Record] = field(default_factory=list)  # those of the query, themselves left out of the hits
    has_more: bool = False  # whether another page follows
    relevance: Mapping[ContentId, Relevance] = field(default_factory=dict)  # empty where nothing can be said
    confident: bool | None = None  # whether any hit stands out; None where nothing can be said
    model: str = ""
    explained: Explained | None = None


@dataclass(frozen=True)
class Listing:
    """Holds a page of the pictures that match, without any search; `total` is how many match."""

    records: list[Record]
    total: int


def needs_only_store(where: Filter | None, order: SortOrder) -> bool:
    """Returns whether the image store alone can list what is wanted: neither a model nor Milvus is needed then."""
    return where is None and order in ("score", "added")


def as_order(order: object) -> SortOrder:
    """Checks a sort order. Raises InvalidQuery for anything but the orders there are."""
    for possible in ORDERS:
        if isinstance(order, str) and order == possible:
            return possible
    raise InvalidQuery("unknown_order", order=validation.shown(order), possible=", ".join(ORDERS))
