"""Checks the values of a search once, for the page, the HTTP API, MCP, the command line and Python programs.

Clients may send anything that JSON can say. `SearchRequest.parse` turns that into checked values or says what is wrong
with it; `SearchRequest.query` reads the pictures and makes the `Query` that the library answers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from library import validation
from library.errors import InvalidFilter, InvalidQuery
from library.images import ContentId, parse_content_id
from library.search.filters import Condition, Draft, Filter, Match, as_match, check_condition_count
from library.search.parts import Crop, LibraryPart, Part, PicturePart, TextPart, check_count, clean_text
from library.search.query import DEFAULT_LIMIT, Query, SortOrder, as_order
from library.texts import holds_half
from library.validation import as_json

Json = dict[str, Any]


@dataclass(frozen=True)
class PartRequest:
    """Names one text, one image from outside the library, or one picture of the library, with its weight.

    A client may set a part aside for a while with the weight 0; such a part is not searched with.
    """

    text: str = ""
    image: str = ""  # where its bytes are: the path of an upload or a file, or a data: URI
    content_id: ContentId | None = None
    weight: float = 1.0
    crop: Crop | None = None
    name: str = ""

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> Self:
        """Checks one part as a client sent it. Raises InvalidQuery or InvalidContentId."""
        file = validation.mapping(entry.get("image"))
        image = str(file.get("path") or None) if file else entry.get("image")  # a bad path is refused where it is read
        id = validation.text(entry.get("content_id"))
        part = cls(
            text=text_to_search(entry.get("text")),
            image=image if isinstance(image, str) else "",
            content_id=parse_content_id(id) if id else None,
            weight=validation.number(entry.get("weight", 1), "weight of a part"),
            crop=_crop(entry.get("crop")),
            name=validation.text(file.get("name") or file.get("orig_name"), validation.MAX_NAME),
        )
        if isinstance(entry.get("text"), str) and not (part.text or part.image or id):
            raise InvalidQuery("empty_text")
        if sum(map(bool, (part.text, part.image, part.content_id))) != 1:
            raise InvalidQuery("part_of_one_kind")
        return part

    def read(self, read_picture: Callable[[str], bytes]) -> Part:
        """Makes the part of a query. Raises what `read_picture` raises, and InvalidQuery."""
        if self.text:
            return TextPart(self.text, self.weight)
        if self.content_id:
            return LibraryPart(self.content_id, self.weight, self.crop)
        return PicturePart(read_picture(self.image), self.weight, self.crop, self.name)

    def as_json(self) -> Json:
        """Returns the part as the JSON that `parse` reads."""
        crop = self.crop
        return {
            "text": self.text,
            "content_id": self.content_id or "",
            "image": {"path": self.image, "name": self.name} if self.image else None,
            "weight": self.weight,
            "crop": [crop.left, crop.top, crop.width, crop.height] if crop else None,
        }


@dataclass(frozen=True)
class SearchRequest:
    """Holds the values of one search; only the pictures of its parts are still to be read."""

    parts: tuple[PartRequest, ...] = ()
    limit: int = DEFAULT_LIMIT
    nprobe: int | None = None
    exact: bool = False
    min_score: float = -1.0
    where: Filter | None = None
    order: SortOrder = "score"
    offset: int = 0
    model: str = ""  # empty: the one that answers

    @classmethod
    def parse(
        cls,
        *,
        text: Any = "",
        image: Any = None,
        parts: Any = (),
        where: Any = None,
        match: Any = "all",
        sort: Any = "score",
        offset: Any = 0,
        model: Any = "",
        **settings: Any,
    ) -> Self:
        """Checks what a client sent; `text` and `image` are parts of weight 1 that stand before the others.

        `settings` are those of `with_settings`. Raises InvalidQuery, InvalidContentId or InvalidFilter.
        """
        entries = [*([{"text": text}] if text_to_search(text) else []), *([{"image": image}] if image else [])]
        request = cls(
            parse_parts(entries) + parse_parts(parts),
            where=parse_filter(where, match),
            order=as_order(sort),
            offset=validation.whole(offset, "offset"),
            model=_model(model),
        )
        return request.with_settings(**settings)

    def with_settings(
        self, *, limit: Any = DEFAULT_LIMIT, nprobe: Any = None, exact: Any = False, min_score: Any = -1.0
    ) -> Self:
        """Returns the same request with checked settings of the search. Raises InvalidQuery."""
        return replace(
            self,
            limit=validation.whole(limit, "limit"),
            nprobe=None if nprobe is None else validation.whole(nprobe, "nprobe"),
            exact=exact is not None and validation.flag(exact, "exact"),
            min_score=validation.number(min_score, "minimum score"),
        )

    def query(self, read_picture: Callable[[str], bytes]) -> Query:
        """Makes the query; `read_picture` returns the bytes of a part's `image`.

        Raises what `read_picture` raises, and InvalidQuery for a value out of its range.
        """
        return Query(
            tuple(part.read(read_picture) for part in self.parts),
            limit=self.limit,
            nprobe=self.nprobe,
            exact=self.exact,
            min_score=self.min_score,
            where=self.where,
            order=self.order,
            offset=self.offset,
            model=self.model,
        )

    def without_idle_parts(self) -> Self:
        """Leaves out the parts of weight 0. Raises InvalidQuery where no part is left."""
        kept = tuple(part for part in self.parts if part.weight)
        if self.parts and not kept:
            raise InvalidQuery("no_weight")
        return replace(self, parts=kept)


def text_to_search(value: Any) -> str:
    """Returns a text, empty where none is given. Raises InvalidQuery for one with half a character, and for no text."""
    if value is not None and not isinstance(value, str):
        raise InvalidQuery("query_no_text", given=as_json(value))
    if holds_half(value or ""):
        raise InvalidQuery("half_a_character")
    text = validation.text(value)
    return text if clean_text(text) else ""


def parse_parts(value: Any) -> tuple[PartRequest, ...]:
    """Checks a list of parts, each as JSON has it or read before. Raises InvalidQuery or InvalidContentId."""
    if not isinstance(value, list | tuple | type(None)):
        raise InvalidQuery("parts_no_list")
    check_count(len(value or ()))
    return tuple(each if isinstance(each, PartRequest) else _parse_part(each) for each in value or ())


def parse_filter(where: Any, match: Any = "all") -> Filter | None:
    """Checks a list of field, operator and value, as JSON has them. Raises InvalidFilter."""
    matching = parse_match(match)
    if not where:
        return None
    if not isinstance(where, list) or not all(isinstance(entry, Mapping) for entry in where):
        raise InvalidFilter("filter_no_list")
    check_condition_count(len(where))
    conditions = [Condition(_of(entry, "field"), _of(entry, "operator"), _of(entry, "value")) for entry in where]
    return Filter(conditions, matching)


def parse_drafts(rows: Any) -> list[Draft]:
    """Reads conditions whose values are texts, as a person has typed them. A row without a value is left out.

    Raises InvalidFilter for too many.
    """
    drafts = []
    for row in validation.entries(rows):
        typed = row.get("value")
        values = tuple(str(each) for each in (typed if isinstance(typed, list) else [typed]) if str(each).strip())
        if values:
            drafts.append(Draft(validation.text(row.get("field")), row.get("operator", "="), values))
    if drafts:
        check_condition_count(len(drafts))
    return drafts


def parse_match(match: Any) -> Match:
    """Returns whether any of the conditions, or all of them, are to match: all where nothing is said.

    Raises InvalidFilter.
    """
    return "all" if match is None or match == "" else as_match(match)


def filter_as_json(where: Filter | None) -> Json:
    """Returns a filter as the JSON that `parse_filter` reads."""
    conditions: Sequence[Condition] = where.conditions if where else ()
    return {
        "where": [{"field": each.field, "operator": each.operator, "value": each.value} for each in conditions],
        "match": where.match if where else "all",
    }


def _parse_part(entry: Any) -> PartRequest:
    return PartRequest.parse(validation.mapping(entry))


def _model(value: Any) -> str:
    if not isinstance(value, str | None):
        raise InvalidQuery("no_text", what="model", given=as_json(value))
    return validation.text(value)


def _of(entry: Mapping[str, Any], name: str) -> Any:
    if name not in entry:
        raise InvalidFilter("condition_incomplete", name=name)
    return entry[name]


def _crop(value: Any) -> Crop | None:
    if not value:
        return None
    if not isinstance(value, list) or len(value) != 4:
        raise InvalidQuery("crop_no_list")
    return Crop(*(validation.number(validation.read_number(each), "crop of a part") for each in value))
