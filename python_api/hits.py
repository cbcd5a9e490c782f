"""Holds what a search found, for programs, data frames and notebooks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from math import nan
from typing import Any, Self, overload

from PIL import Image

from library.contents.pictures import Pictures
from library.images import ContentId
from library.records import Record
from library.search.query import Answer
from library.search.relevance import Relevance, Words
from python_api.html import contact_sheet
from python_api.tables import data_frame


@dataclass(frozen=True)
class Hit:
    """Holds one picture of the library with its score: the cosine similarity, or NaN where nothing was searched for.

    `confidence` has the numbers behind `relevance`: both say how far the hit stands out.
    """

    score: float
    record: Record = field(repr=False)
    confidence: Relevance | None = field(repr=False)
    _pictures: Pictures = field(repr=False, compare=False)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.record.name)

    @property
    def content_id(self) -> ContentId:
        """Returns the SHA-256 of the file's bytes, by which the library knows the picture."""
        return self.record.content_id

    @property
    def width(self) -> int:
        """Returns the width of the original in pixels, upright."""
        return self.record.width

    @property
    def height(self) -> int:
        """Returns the height of the original in pixels, upright."""
        return self.record.height

    @property
    def metadata(self) -> Mapping[str, object]:
        """Returns the metadata that were kept with the picture, by their names."""
        return self.record.metadata

    @property
    def relevance(self) -> Words | None:
        """Returns the confidence in words: "stands out", "likely" or "weak"; None where it cannot be computed."""
        return self.confidence.words if self.confidence else None

    @property
    def path(self) -> str | None:
        """Returns where the original lies: an absolute path, or a URL; None where the library does not keep it."""
        return self._pictures.location(self.content_id)

    def original(self) -> bytes:
        """Returns the bytes of the file, as it was added."""
        return self._pictures.original(self.content_id)

    def image(self) -> Image.Image:
        """Returns the picture, upright: whole, or with half its sides where it has more than 90 megapixels."""
        return self._pictures.image(self.content_id, max(self.width, self.height))

    def thumbnail(self) -> Image.Image:
        """Returns the picture at most 384 pixels wide and high."""
        return Image.open(BytesIO(self._pictures.thumbnail(self.content_id)))

    def thumbnail_bytes(self) -> bytes:
        """Returns the thumbnail as a JPEG."""
        return self._pictures.thumbnail(self.content_id)


class Hits(Sequence[Hit]):
    """Holds the hits of one search, best first. A notebook shows them as a contact sheet."""

    def __init__(self, hits: Sequence[Hit], answer: Answer | None = None) -> None:
        self._hits = list(hits)
        self.confident = answer.confident if answer else None  # whether any hit stands out; None: it cannot be said
        self.notes = [str(note) for note in answer.notes] if answer else []  # such as that a text was cut
        self.has_more = answer.has_more if answer else False  # whether a higher offset finds more

    @classmethod
    def of_answer(cls, answer: Answer, pictures: Pictures) -> Self:
        """Makes the hits of an answer of the library."""
        relevance = answer.relevance
        return cls(
            [Hit(hit.score, hit.record, relevance.get(hit.record.content_id), pictures) for hit in answer.hits], answer
        )

    @classmethod
    def of_records(cls, records: Sequence[Record], pictures: Pictures) -> Self:
        """Makes hits of pictures that were listed, not searched for."""
        return cls([Hit(nan, record, None, pictures) for record in records])

    @overload
    def __getitem__(self, place: int) -> Hit: ...
    @overload
    def __getitem__(self, place: slice) -> "Hits": ...
    def __getitem__(self, place: int | slice) -> "Hit | Hits":
        return Hits(self._hits[place]) if isinstance(place, slice) else self._hits[place]

    def __len__(self) -> int:
        return len(self._hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self._hits)

    def to_pandas(self) -> Any:
        """Returns a pandas DataFrame, a row for each hit; metadata are columns of their own.

        Raises ModuleNotFoundError where pandas is not installed.
        """
        return data_frame([_row(hit) for hit in self])

    def __repr__(self) -> str:
        lines = [f"{hit.score:6.3f}  {hit.relevance or '':<10}  {hit.name}" for hit in self]
        return "\n".join([f"{len(self)} {'hit' if len(self) == 1 else 'hits'}", *lines])

    def _repr_html_(self) -> str:
        return contact_sheet(self, self.notes, self.confident)


def _row(hit: Hit) -> dict[str, object]:
    known = {
        "score": hit.score,
        "name": hit.name,
        "path": hit.path,
        "relevance": hit.relevance,
        "width": hit.width,
        "height": hit.height,
        "content_id": hit.content_id,
    }
    own = {f"metadata.{name}" if name in known else name: value for name, value in hit.metadata.items()}
    return known | own
