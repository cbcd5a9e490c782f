"""Reads the JSON that Google Takeout writes beside a picture, and finds it under the names that Takeout gives it."""

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import Any

from db.sources.long_numbers import loads
from db.sources.sidecars.described import Fields, Unread, coordinates, is_repaired, joined, words
from library.decoding.formats import IMAGE_SUFFIXES
from library.errors import RejectedImage
from library.times import iso_utc

SUFFIX = ".json"
SUPPLEMENT = ".supplemental-metadata"
SHORTEST_CUT = 40  # characters of a name before its .json: it was cut to 46 with that ending once, later without it
EDITED = (
    *("edited", "effects", "smile", "mix", "bearbeitet", "modifié", "editado", "ha editado", "editada", "modificato"),
    *("bewerkt", "edytowane", "redigerad", "redigeret", "redigert", "muokattu", "upraveno", "upravené", "editat"),
    *("düzenlendi", "szerkesztve", "изменено", "измененный", "відредаговано", "編集済み", "수정됨", "已編輯", "已编辑"),
    *("已修改", "đã chỉnh sửa", "diedit"),
)
ENDINGS_OF_ORIGINALS = (".heic", ".jpg", ".jpeg", ".png", ".dng", ".webp", ".tif", ".gif")
ALBUM_NAMES = re.compile(
    r"(metadata|metadaten|métadonnées|metadatos|metadati|metadados|metagegevens|metadane|metaveri|"
    r"метаданные|метадані|メタデータ|메타데이터|中繼資料|元数据)(\(\d+\))?\.json"
)
NUMBERED = re.compile(r"(.+)\((\d{1,6})\)", re.DOTALL)
FIELDS = ("description", "taken", "latitude", "longitude", "altitude", "people")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Candidate:
    """Names a file of JSON; one whose name was cut counts only where its title is that of the picture."""

    name: str
    titled: str = ""  # the name of the picture that its title has to agree with


class TakeoutNames:
    """Finds the JSON file of a picture among those of its folder, whose names are made from that of the picture."""

    def __init__(self, names: Iterable[str]) -> None:
        self._numbers: dict[str, dict[str, str]] = {}  # names by what stands before a number, and by the number
        self._exact: set[str] = set()
        self.albums: list[str] = []
        for name in names:
            if ALBUM_NAMES.fullmatch(_folded(name)):
                self.albums.append(name)
                continue
            self._exact.add(name)
            base, number = _without_number(_folded(name).removesuffix(SUFFIX))
            self._numbers.setdefault(base, {}).setdefault(number, name)

    def of(self, picture: str) -> Iterator[Candidate]:
        """Yields what may belong to a picture of this name, the surest first."""
        if not self._numbers:
            return
        if picture + SUFFIX in self._exact:
            yield Candidate(picture + SUFFIX)
        for original, number in _originals(_folded(picture)):
            yield from self._whole(original, number)
            yield from self._cut(original, number)

    def _whole(self, original: str, number: str) -> Iterator[Candidate]:
        full = original + SUPPLEMENT
        for length in range(len(full), len(original) - 1, -1):
            if name := self._numbers.get(full[:length], {}).get(number):
                yield Candidate(name)

    def _cut(self, original: str, number: str) -> Iterator[Candidate]:
        for length in range(len(original) - 1, SHORTEST_CUT - 1, -1):
            found = self._numbers.get(original[:length], {})
            if number in found:
                yield Candidate(found[number], original)
            if not number:  # of names that are cut to the same one, all but the first get a number
                yield from (Candidate(name, original) for each, name in found.items() if each)
        if name := self._numbers.get(_without_ending(original), {}).get(number):
            yield Candidate(name, original)


def read_takeout(data: bytes, unread: Unread | None = None) -> tuple[str, Fields] | None:
    """Returns the title and the fields of a picture; None for JSON of another kind. Raises RejectedImage.

    `unread` gets the names of values that are not of their kind.
    """
    found = _loaded(data)
    if not isinstance(found, dict) or not any(name in found for name in ("photoTakenTime", "geoData", "geoDataExif")):
        return None
    latitude, longitude, altitude = _place(found)
    people = [each.get("name") for each in _listed(found.get("people")) if isinstance(each, dict)]
    if unread is not None:
        unread.extend(_of_wrong_kind(found))
        texts = {"description": [found.get("description")], "people": people}
        unread.repaired.extend(name for name, values in texts.items() if any(map(is_repaired, values)))
    values = (words(found.get("description")), _taken(found), latitude, longitude, altitude, joined(people))
    title = found.get("title")
    return title if isinstance(title, str) else "", dict(zip(FIELDS, values, strict=True))


def read_album(data: bytes, unread: Unread | None = None) -> Fields:
    """Returns the title of an album as the field `album`; nothing for JSON of another kind. Raises RejectedImage."""
    found = _loaded(data)
    if isinstance(found, dict) and isinstance(found.get("albumData"), dict):
        found = found["albumData"]
    if not isinstance(found, dict) or "photoTakenTime" in found or "title" not in found:
        return {}
    if unread is not None and not isinstance(found["title"], str):
        unread.append("title")
    if unread is not None and is_repaired(found["title"]):
        unread.repaired.append("title")
    return {"album": words(found["title"])}


def is_of_another_kind(name: str, data: bytes) -> bool:
    """Returns whether it is JSON, but of neither a picture nor an album. Raises RejectedImage for what is no JSON."""
    is_album = ALBUM_NAMES.fullmatch(_folded(name)) and read_album(data)
    return not is_album and read_takeout(data) is None


def agrees(title: str, picture: str) -> bool:
    """Returns whether a title may be that of the picture, whose name may have been cut."""
    one, other = (re.sub(r"\W+", "_", _without_ending(_folded(html.unescape(each)))) for each in (title, picture))
    return not one or one.startswith(other) or other.startswith(one)


def _loaded(data: bytes) -> Any:
    try:
        return loads(data.removeprefix(b"\xef\xbb\xbf"))
    except RecursionError:
        raise RejectedImage("sidecar_too_deep") from None
    except ValueError:
        raise RejectedImage("sidecar_no_json") from None


def _of_wrong_kind(found: Mapping[str, Any]) -> Iterator[str]:
    """Yields the names of fields that say something, though nothing that Takeout would say there."""
    yield from (name for name in ("title", "description") if not isinstance(found.get(name), str | None))
    moment = found.get("photoTakenTime")
    seconds = moment.get("timestamp", 0) if isinstance(moment, dict) else moment
    if seconds is not None and _taken(found) is None and str(seconds).strip() != "0":
        yield "photoTakenTime"
    yield from (name for name in ("geoData", "geoDataExif") if not _may_be_place(found.get(name)))
    people = found.get("people")
    names = (
        [each.get("name") if isinstance(each, dict) else each for each in people] if isinstance(people, list) else []
    )
    if not isinstance(people, list | None) or not all(isinstance(each, str | None) for each in names):
        yield "people"


def _may_be_place(given: object) -> bool:
    if not isinstance(given, dict):
        return given is None
    place = [given.get("latitude", 0), given.get("longitude", 0)]
    return place in ([0, 0], [None, None]) or coordinates(*place) is not None


def _originals(picture: str) -> Iterator[tuple[str, str]]:
    """Yields the names and numbers under which the picture's JSON may be: of itself, then of what it was made from."""
    stem, ending = _without_ending(picture), picture[len(_without_ending(picture)) :]
    base, number = _without_number(stem)
    yield picture, ""
    if number:
        yield base + ending, number
    if original := _unedited(stem):
        for each in dict.fromkeys([ending, *ENDINGS_OF_ORIGINALS]):
            yield original + each, ""
            if (before := _without_number(original))[1]:
                yield before[0] + each, before[1]
    if number and (original := _unedited(base)):
        for each in dict.fromkeys([ending, *ENDINGS_OF_ORIGINALS]):
            yield original + each, number


def beginning_of(stem: str) -> str:
    """Returns what the names under which the picture's JSON may be have in common."""
    base = _without_number(stem)[0]
    return (base.rpartition("-")[0] if _unedited(base.lower()) else base)[:SHORTEST_CUT]


def _unedited(stem: str) -> str:
    """Returns the name before a suffix that says the picture was edited; empty where there is none."""
    before, dash, suffix = stem.rpartition("-")
    if not (dash and before and suffix):
        return ""
    is_cut = len(stem) >= SHORTEST_CUT and any(each.startswith(suffix) for each in EDITED)
    return before if suffix in EDITED or is_cut else ""


def _without_number(stem: str) -> tuple[str, str]:
    found = NUMBERED.fullmatch(stem)
    return (found[1], found[2]) if found else (stem, "")


def _without_ending(name: str) -> str:
    ending = PurePath(name).suffix
    return name.removesuffix(ending) if ending in IMAGE_SUFFIXES else name


def _folded(name: str) -> str:
    """Returns a name as any file system may give it back: accents composed, in lower case."""
    return unicodedata.normalize("NFC", name).casefold()


def _taken(found: Mapping[str, Any]) -> str | None:
    given = found.get("photoTakenTime")
    try:
        seconds = int(given["timestamp"]) if isinstance(given, dict) else 0
        return iso_utc(EPOCH + timedelta(seconds=seconds)) if seconds else None
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _place(found: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    for name in ("geoData", "geoDataExif"):
        given = found.get(name)
        if isinstance(given, dict) and (place := coordinates(given.get("latitude"), given.get("longitude"))):
            altitude = given.get("altitude")
            return *place, float(altitude) if isinstance(altitude, int | float) and 0 < abs(altitude) < 1e5 else None
    return None, None, None


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
