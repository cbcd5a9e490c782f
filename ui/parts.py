"""The parts of a query as a client names them, checked: it may send anything that JSON can say."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from library import validation
from library.errors import InvalidQuery
from library.images import ContentId, parse_content_id
from library.search.parts import Crop, LibraryPart, Part, PicturePart, TextPart, check_count

Json = dict[str, Any]

NO_PARTS: list[Json] = []  # what an endpoint is called without


@dataclass(frozen=True)
class PartRequest:
    """A text, an image from outside the library, or one of the library; a weight of 0 leaves it out for a while."""

    text: str = ""
    image: str = ""  # where its bytes are: the path of an upload, or a data: URI
    content_id: ContentId | None = None
    weight: float = 1.0
    crop: Crop | None = None
    name: str = ""

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> "PartRequest":
        """Raises InvalidQuery or InvalidContentId."""
        file = validation.mapping(entry.get("image"))
        image = str(file.get("path") or None) if file else entry.get("image")  # a bad path is refused where it is read
        id = validation.text(entry.get("content_id"))
        part = cls(
            text=validation.text(entry.get("text")),
            image=image if isinstance(image, str) else "",
            content_id=parse_content_id(id) if id else None,
            weight=validation.number(entry.get("weight", 1), "weight of a part"),
            crop=_crop(entry.get("crop")),
            name=validation.text(file.get("name") or file.get("orig_name"), validation.MAX_NAME),
        )
        if sum(map(bool, (part.text, part.image, part.content_id))) != 1:
            raise InvalidQuery("Each part of a query has a text, an image or a content_id, and only one of them.")
        return part

    def part(self, read: Callable[[str], bytes]) -> Part:
        """For the library. Raises what `read` raises, and InvalidQuery."""
        if self.text:
            return TextPart(self.text, self.weight)
        if self.content_id:
            return LibraryPart(self.content_id, self.weight, self.crop)
        return PicturePart(read(self.image), self.weight, self.crop)

    def as_json(self) -> Json:
        crop = self.crop
        return {
            "text": self.text,
            "content_id": self.content_id or "",
            "image": {"path": self.image, "name": self.name} if self.image else None,
            "weight": self.weight,
            "crop": [crop.left, crop.top, crop.width, crop.height] if crop else None,
        }


def asked_parts(value: Any) -> tuple[PartRequest, ...]:
    """Raises InvalidQuery or InvalidContentId."""
    if not isinstance(value, list | type(None)):
        raise InvalidQuery("The parts of a query are a list.")
    check_count(len(value or []))
    return tuple(PartRequest.of(validation.mapping(entry)) for entry in value or [])


def parts_in_address(pairs: Iterable[tuple[str, str]]) -> tuple[PartRequest, ...]:
    """`q=beach&q=people&w=-0.5&like=…&crop=0,0,0.5,1`: a weight and a crop belong to what stands before them.

    Raises InvalidQuery or InvalidContentId.
    """
    entries: list[Json] = []
    for name, value in pairs:
        if name in ("q", "like") and validation.text(value):
            entries.append({"text" if name == "q" else "content_id": value})
        elif name == "w" and entries:
            entries[-1]["weight"] = _number(value)
        elif name == "crop" and entries:
            entries[-1]["crop"] = value.split(",")
    return asked_parts(entries)


def _crop(value: Any) -> Crop | None:
    if not value:
        return None
    if not isinstance(value, list) or len(value) != 4:
        raise InvalidQuery("A crop is a list of four numbers: left, top, width, height.")
    return Crop(*(validation.number(_number(each), "crop of a part") for each in value))


def _number(value: Any) -> Any:
    """What an address says is a text."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value
