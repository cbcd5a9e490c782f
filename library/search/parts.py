"""Makes one vector of the parts of a query: texts and pictures, each with a weight."""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from PIL import Image

from library.decoding.formats import MAX_ASPECT
from library.errors import InvalidQuery, RejectedImage
from library.images import WORKING_SIDE, ContentId, Decode, decode, parse_content_id
from library.messages import Message
from library.ports import Encoder, Vector
from library.texts import holds_half
from library.validation import MAX_SHOWN, as_json, is_number, shown

MAX_PARTS = 16
MAX_WEIGHT = 100
MAX_SHORT_SIDE = 1 << 12  # which reduces what has more than some hundred megapixels
CANCELLED = 1e-6  # of the weights' sum: shorter than this, a combination points nowhere
TEXT_WAS_CUT = Message("text_cut")
WEIGHTED = re.compile(r"((?:[^\\^]|\\.)*)(?:\^(.*))?", flags=re.DOTALL)


@dataclass(frozen=True)
class Crop:
    """Cuts a rectangle out of a picture, as fractions of its upright width and height."""

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        sides = (self.left, self.top, self.width, self.height)
        if not all(map(math.isfinite, sides)) or min(self.left, self.top) < 0 or min(self.width, self.height) <= 0:
            raise InvalidQuery("crop_no_fractions")
        if self.left + self.width > 1 + 1e-6 or self.top + self.height > 1 + 1e-6:
            raise InvalidQuery("crop_beyond_picture")

    @classmethod
    def parse(cls, text: str) -> "Crop":
        """Reads `left,top,width,height`. Raises InvalidQuery."""
        try:
            left, top, width, height = map(float, text.split(","))
        except ValueError:
            raise InvalidQuery("crop_unreadable", text=repr(text[:80])) from None
        return cls(left, top, width, height)

    def of(self, image: Image.Image) -> Image.Image:
        """Returns that part of a picture, at least one pixel. Raises InvalidQuery for what no tower can be shown."""
        left, right = _cut(self.left, self.width, image.width)
        top, bottom = _cut(self.top, self.height, image.height)
        if max(right - left, bottom - top) > MAX_ASPECT * min(right - left, bottom - top):
            raise InvalidQuery("crop_too_narrow", most=MAX_ASPECT)
        return image.crop((left, top, right, bottom))

    def short_side(self, working_side: int) -> int:
        """Returns the pixels to decode on the shorter side, so that the crop has those that a tower needs."""
        return min(MAX_SHORT_SIDE, int(working_side / min(self.width, self.height)))


@dataclass(frozen=True)
class TextPart:
    """Describes in words what the results should show, or with a negative weight should not."""

    text: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        _check_weight(self.weight)
        if not isinstance(self.text, str):
            raise InvalidQuery("query_no_text", given=as_json(self.text))
        if holds_half(self.text):
            raise InvalidQuery("half_a_character")
        object.__setattr__(self, "text", clean_text(self.text))
        if not self.text:
            raise InvalidQuery("empty_text")


@dataclass(frozen=True)
class PicturePart:
    """Brings a picture from outside the library, by its bytes; `name` is what problems call it by."""

    data: bytes
    weight: float = 1.0
    crop: Crop | None = None
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        _check_weight(self.weight)
        _check_crop(self.crop)


@dataclass(frozen=True)
class LibraryPart:
    """Names a picture of the library. Without a crop, its stored vector serves."""

    id: ContentId
    weight: float = 1.0
    crop: Crop | None = None

    def __post_init__(self) -> None:
        _check_weight(self.weight)
        _check_crop(self.crop)
        parse_content_id(self.id)


Part = TextPart | PicturePart | LibraryPart


class Weighted(NamedTuple):
    """Holds what stands before the caret and the weight behind it."""

    value: str
    weight: float


def parse_weighted(text: str) -> Weighted:
    r"""Reads `beach^0.5` as its value and weight, the caret as in Lucene: none means 1, `\^` and `\\` are
    characters."""
    matched = WEIGHTED.fullmatch(text)
    value, weight = matched.groups() if matched else (text, None)
    return Weighted(re.sub(r"\\([\\^])", r"\1", value), 1.0 if weight is None else _weight_in(text, weight))


def parse_library_part(text: str) -> LibraryPart:
    """Reads a content ID, perhaps with `#left,top,width,height`, perhaps with `^weight`."""
    value, weight = parse_weighted(text)
    id, found, crop = value.partition("#")
    return LibraryPart(parse_content_id(id), weight, Crop.parse(crop) if found else None)


def clean_text(text: str) -> str:
    """Returns the text as one line without control characters; joiners stay, since emoji are made with them.

    A text of which nothing would be seen is empty.
    """
    spaced = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text)
    line = " ".join(unicodedata.normalize("NFC", spaced).split())
    return line if any(not char.isspace() and unicodedata.category(char) != "Cf" for char in line) else ""


def check_parts(parts: Sequence[Part]) -> None:
    """Checks the parts together. Raises InvalidQuery for more than are possible, and where nothing is looked for."""
    check_count(len(parts))
    if parts and all(part.weight < 0 for part in parts):
        raise InvalidQuery("only_negative")


def check_count(parts: int) -> None:
    """Raises InvalidQuery for more parts than are possible."""
    if parts > MAX_PARTS:
        raise InvalidQuery("too_many_parts", parts=parts, most=MAX_PARTS)


def combine(vectors: Sequence[Vector], weights: Sequence[float] | None = None) -> Vector:
    """Returns the unit vector q = s / |s| of the weighted sum s = w1 v1 + ... + wn vn of unit vectors.

    Of all directions it has the highest weighted sum of cosines to the parts, and a picture p scores
    (w1 cos(v1, p) + ... + wn cos(vn, p)) / |s|. This is Rocchio's formula with a weight for each part: J. J. Rocchio,
    Relevance Feedback in Information Retrieval, in: The SMART Retrieval System, Prentice-Hall 1971. Texts and pictures
    lie apart in CLIP's space, yet nothing is centred first: `python -m benchmarks.subtraction` shows no gain in it.
    """
    given = np.ones(len(vectors)) if weights is None else np.asarray(weights, dtype=np.float64)
    total = given @ np.asarray(vectors, dtype=np.float64)
    length = float(np.linalg.norm(total))
    if not length > CANCELLED * float(np.abs(given).sum()):
        raise InvalidQuery("cancel_out")
    unit: Vector = (total / length).astype(np.float32)
    return unit


def picture_to_encode(
    data: bytes, crop: Crop | None, working_side: int = WORKING_SIDE, decode: Decode = decode
) -> Image.Image:
    """Decodes a picture and cuts the crop out of it. Raises RejectedImage or InvalidQuery."""
    if crop is None:
        return decode(data, working_side).image
    return crop.of(decode(data, crop.short_side(working_side)).image)


def decode_part(part: PicturePart, working_side: int = WORKING_SIDE, decode: Decode = decode) -> Image.Image:
    """Decodes the picture of a part. Raises RejectedImage, which tells which picture it is, or InvalidQuery."""
    try:
        return picture_to_encode(part.data, part.crop, working_side, decode)
    except RejectedImage as error:
        if not part.name:
            raise
        raise RejectedImage("named_picture_rejected", name=part.name, problem=error) from error


def encode(encoder: Encoder, inputs: Sequence[str | Image.Image | None]) -> list[Vector | None]:
    """Returns a vector for each input in the order given, None for None; each tower is asked once."""
    texts = [each for each in inputs if isinstance(each, str)]
    images = [each for each in inputs if isinstance(each, Image.Image)]
    of_texts = iter(encoder.encode_texts(texts) if texts else ())
    of_images = iter(encoder.encode_images(images) if images else ())
    return [None if each is None else next(of_texts if isinstance(each, str) else of_images) for each in inputs]


def notes_on(encoder: Encoder, texts: Sequence[str]) -> list[Message]:
    """Returns what the person should know of the texts, such as that one was cut."""
    return [TEXT_WAS_CUT] if any(map(encoder.cuts, texts)) else []


def _cut(start: float, share: float, length: int) -> tuple[int, int]:
    first = min(int(start * length), length - 1)
    return first, min(max(first + 1, round((start + share) * length)), length)


def _weight_in(text: str, weight: str) -> float:
    try:
        return _check_weight(float(weight), weight)
    except ValueError:
        raise InvalidQuery("weight_unreadable", text=repr(text[:80])) from None


def _check_weight(weight: float, typed: str = "") -> float:
    """Returns the weight if it is possible. Raises InvalidQuery, which shows it as it was typed."""
    if not is_number(weight):
        raise InvalidQuery("no_number", what="weight", given=shown(weight))
    if weight == 0 or not abs(weight) <= MAX_WEIGHT:
        raise InvalidQuery("weight_out_of_range", weight=typed[:MAX_SHOWN] or weight, most=MAX_WEIGHT)
    return weight


def _check_crop(crop: object) -> None:
    if not isinstance(crop, Crop | None):
        raise InvalidQuery("crop_no_list")
