"""Reads XMP, in which Lightroom, darktable, digiKam and others keep what they know of a picture beside it."""

import math
import re
from collections.abc import Iterator, Mapping
from xml.parsers import expat

from db.sources.sidecars.described import Fields, Unread, coordinates, joined, words
from db.sources.tables.cells import as_moment
from library.errors import RejectedImage

SUFFIX = ".xmp"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DC = "http://purl.org/dc/elements/1.1/"
XMP = "http://ns.adobe.com/xap/1.0/"
EXIF = "http://ns.adobe.com/exif/1.0/"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
LIGHTROOM = "http://ns.adobe.com/lightroom/1.0/"
IPTC = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
IPTC_MORE = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
REGIONS = "http://www.metadataworkinggroup.com/schemas/regions/"
LANGUAGE = "http://www.w3.org/XML/1998/namespace lang"
DATES = ((EXIF, "DateTimeOriginal"), (PHOTOSHOP, "DateCreated"), (XMP, "CreateDate"))
FACE = f"{REGIONS} Name"
DEFAULT_LANGUAGE = "x-default"
MAX_DEPTH = 64
ANGLE = re.compile(r"(\d{1,3}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?(?:,(\d{1,2}(?:\.\d+)?))?([NSEW])", re.ASCII)
DAY_OF_EXIF = re.compile(r"(\d{4}):(\d\d):(\d\d)(?=[ T]|$)", re.ASCII)
PART_OF_A_DATE = re.compile(r"\d{4}(-\d\d)?", re.ASCII)

Text = tuple[str, str]  # with its language


def read_xmp(data: bytes, unread: Unread | None = None) -> Fields:
    """Returns the fields; None for what XMP has a place for and this one leaves empty. Raises RejectedImage.

    `unread` gets the names of values that are not of their kind.
    """
    found = _Properties(data)
    if unread is not None:
        unread.extend(_of_wrong_kind(found))
    latitude, longitude = coordinates(_angle(found, "GPSLatitude"), _angle(found, "GPSLongitude")) or (None, None)
    city, country = found.text(PHOTOSHOP, "City"), found.text(PHOTOSHOP, "Country")
    branches = [each.rpartition("|")[2] for each in found.texts(LIGHTROOM, "hierarchicalSubject")]
    return {
        "title": found.text(DC, "title"),
        "description": found.text(DC, "description"),
        "keywords": joined([*found.texts(DC, "subject"), *branches]),
        "people": joined([*found.texts(IPTC_MORE, "PersonInImage"), *found.texts(REGIONS, "Name")]),
        "rating": _rating(found.text(XMP, "Rating")),
        "taken": _taken(found),
        "place": joined([found.text(IPTC, "Location"), city, found.text(PHOTOSHOP, "State"), country]),
        "city": city,
        "country": country,
        "latitude": latitude,
        "longitude": longitude,
        "altitude": _altitude(found) if latitude is not None else None,
    }


class _Properties:
    """Holds the texts of each property of an XMP packet."""

    def __init__(self, data: bytes) -> None:
        """Raises RejectedImage for what is no XML, and for what declares entities, as no XMP does."""
        self._found: dict[str, list[Text]] = {}
        self._path: list[str] = []
        self._texts: list[list[str]] = []
        self._languages: list[str] = []
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        try:
            parser.Parse(data, True)
        except (expat.ExpatError, LookupError):  # the second of an encoding that Python does not have
            raise RejectedImage("sidecar_no_xml") from None

    def texts(self, space: str, name: str) -> list[str]:
        """Returns all texts of a property."""
        return [text for _, text in self._found.get(f"{space} {name}", [])]

    def text(self, space: str, name: str) -> str | None:
        """Returns the text of a property in the default language, or else the first."""
        found = self._found.get(f"{space} {name}", [])
        in_default = [text for language, text in found if language == DEFAULT_LANGUAGE]
        return words(next(iter([*in_default, *self.texts(space, name)]), None))

    def _refuse(self, *_: object) -> None:
        raise RejectedImage("sidecar_doctype")

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._path.append(name)
        self._texts.append([])
        self._languages.append(attributes.get(LANGUAGE, ""))
        if len(self._path) > MAX_DEPTH:
            raise RejectedImage("sidecar_too_deep")
        if self._below_rdf() == [f"{RDF} Description"]:
            for each, value in attributes.items():
                self._note(each, value)
        elif FACE in attributes:
            self._note(FACE, attributes[FACE])

    def _data(self, text: str) -> None:
        if self._texts:
            self._texts[-1].append(text)

    def _end(self, name: str) -> None:
        below = self._below_rdf()
        text = "".join(self._texts.pop()).strip()
        language = self._languages.pop()
        self._path.pop()
        is_item = len(below) == 4 and name == f"{RDF} li"
        if text and below and (len(below) == 2 or is_item):
            self._note(below[1], text, language)
        elif text and name == FACE:
            self._note(FACE, text)

    def _below_rdf(self) -> list[str]:
        root = f"{RDF} RDF"
        return self._path[self._path.index(root) + 1 :] if root in self._path else []

    def _note(self, name: str, text: str, language: str = "") -> None:
        self._found.setdefault(name, []).append((language, text))


def _of_wrong_kind(found: _Properties) -> Iterator[str]:
    """Yields the names of properties that have a text, though none that XMP has there."""
    rating = found.text(XMP, "Rating")
    if rating and _rating(rating) is None and _number(rating) != 0:
        yield "Rating"
    if dates := [name for space, name in DATES if found.text(space, name)]:
        yield from () if _taken(found) else dates[:1]
    angles = [_angle(found, name) for name in ("GPSLatitude", "GPSLongitude") if found.text(EXIF, name)]
    if angles and not any(each == 0 for each in angles) and (len(angles) < 2 or coordinates(*angles) is None):
        yield "GPSLatitude, GPSLongitude"
    if found.text(EXIF, "GPSAltitude") and _altitude(found) is None:
        yield "GPSAltitude"


def _rating(text: str | None) -> int | float | None:
    """Returns the stars, or -1 for a rejected picture; 0 stands for none."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    if not -1 <= number <= 5 or not number:
        return None
    return int(number) if number.is_integer() else number


def _taken(found: _Properties) -> str | None:
    for text in (found.text(*name) for name in DATES):
        if text:
            day_with_dashes = DAY_OF_EXIF.sub(r"\1-\2-\3", text, count=1)
            if moment := as_moment(day_with_dashes):
                return moment
            if PART_OF_A_DATE.fullmatch(text):
                return text
    return None


def _angle(found: _Properties, name: str) -> float | None:
    """Reads 48,8.5N and 48,8,30N: degrees with minutes, and perhaps seconds."""
    text = found.text(EXIF, name) or ""
    if match := ANGLE.fullmatch(text.replace(" ", "")):
        degrees, minutes, seconds = (float(part or 0) for part in match.groups()[:3])
        return (degrees + minutes / 60 + seconds / 3600) * (-1 if match[4] in "SW" else 1)
    return _number(text)


def _altitude(found: _Properties) -> float | None:
    over, _, under = (found.text(EXIF, "GPSAltitude") or "").partition("/")
    number, divisor = _number(over), _number(under or "1")
    if number is None or not divisor:
        return None
    return round(number / divisor * (-1 if found.text(EXIF, "GPSAltitudeRef") == "1" else 1), 3)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
