"""Compares a library with the benchmark's own account of what was added to it."""

import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import Any

from PIL import Image

from benchmarks.faults.place import Place, small_encoder
from library.image_library import ImageLibrary
from library.images import ContentId
from library.search.batch import BatchQuery
from library.search.query import Query

OLD = 2 * 3600  # seconds: what is older no running process has in hand
MOST_ROWS = 16_384  # of an answer of Milvus
SECONDS_TO_SHOW = 10.0  # in which a server shows the rows of others
SWEPT = {"orphan", "partial"}  # what a kill may leave for `doctor --fix`


@dataclass
class Verdict:
    """Counts what is missing and what is there twice, and says what else is wrong."""

    lost: int = 0
    doubled: int = 0
    wrong: list[str] = field(default_factory=list)

    def __add__(self, other: "Verdict") -> "Verdict":
        return Verdict(self.lost + other.lost, self.doubled + other.doubled, self.wrong + other.wrong)

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)


def compare(place: Place, pictures: Mapping[ContentId, bytes], may_be: Collection[ContentId] = ()) -> Verdict:
    """Returns how the library differs from these pictures, after everything old that a kill has left is swept.

    Pictures of `may_be` may be there or not, but only whole.
    """
    _age(place)
    verdict = compare_files(place, pictures, may_be)
    with place.opened() as library:
        verdict += _compare_rows(library, pictures, may_be) + _searched(library, pictures)
        verdict += _doctored(library)
        if verdict.is_good and not may_be:
            verdict += _counted(library, len(pictures))
    return verdict + _left_over(place)


def compare_files(place: Place, pictures: Mapping[ContentId, bytes], may_be: Collection[ContentId] = ()) -> Verdict:
    """Compares the files with the account, without the program: originals, thumbnails and records."""
    files, verdict = _files(place), Verdict()
    for id, data in pictures.items():
        by_ending = files.get(id, {})
        original, thumbnail, record = (by_ending.get(ending) for ending in ("png", "thumb.jpg", "json"))
        if original is None or sha256(original).hexdigest() != id or original != data:
            verdict += Verdict(lost=1, wrong=[f"original of {id[:8]}"])
        elif record is None or json.loads(record)["content_id"] != id:
            verdict += Verdict(lost=1, wrong=[f"record of {id[:8]}"])
        elif thumbnail is None or not _opens(thumbnail):
            verdict += Verdict(wrong=[f"thumbnail of {id[:8]}"])
    strangers = [id for id, own in files.items() if "json" in own and id not in {*pictures, *may_be}]
    return verdict + Verdict(wrong=[f"{id[:8]} is there" for id in strangers])


def compare_rows(place: Place, pictures: Mapping[ContentId, bytes]) -> Verdict:
    """Compares the rows with the account, before anything is repeated."""
    with place.opened() as library:
        return _compare_rows(library, pictures, ())


def trashed(place: Place) -> set[ContentId]:
    """Returns the pictures in the trash whose original is there."""
    return {id for id, own in _files(place).items() if "trash" in own and "png" in own and "json" not in own}


def _compare_rows(library: ImageLibrary, pictures: Mapping[ContentId, bytes], may_be: Collection[ContentId]) -> Verdict:
    until = time.monotonic() + SECONDS_TO_SHOW
    while True:
        rows = _rows(library)
        missing = [id for id in pictures if not rows[id]]
        strange = [id for id in rows if id not in pictures and id not in may_be]
        if not (missing or strange) or time.monotonic() > until:
            break
        time.sleep(0.2)
    doubled = sum(count - 1 for count in rows.values())
    wrong = [f"{len(missing)} rows missing"] if missing else []
    wrong += [f"{len(strange)} rows without a picture"] if strange else []
    return Verdict(len(missing), doubled, wrong)


def _rows(library: ImageLibrary) -> Counter[ContentId]:
    """Counts the rows of each picture as Milvus itself lists them."""
    rows: Counter[ContentId] = Counter()
    database: Any = library.database
    name = database.name_of(small_encoder().info)
    with database.collection(small_encoder().info).loaded():
        found = database.connection.client().query(
            name, filter="", output_fields=["img_path"], limit=MOST_ROWS, consistency_level="Strong"
        )
    rows.update(ContentId(row["img_path"].rpartition("/")[2].partition(".")[0]) for row in found)
    return rows


def _searched(library: ImageLibrary, pictures: Mapping[ContentId, bytes]) -> Verdict:
    """Searches with every picture, which has to be the first hit of its own."""
    queries = [BatchQuery(id, picture=lambda data=data: data) for id, data in pictures.items()]  # type: ignore[misc]
    answers = library.searcher.search_many(queries, Query(limit=1))
    first = {each.name: each.hits[0].record.content_id for each in answers if each.hits}
    not_found = [id for id in pictures if first.get(id) != id]
    return Verdict(wrong=[f"{len(not_found)} not first in a search by themselves"] if not_found else [])


def _doctored(library: ImageLibrary) -> Verdict:
    """Runs the doctor, lets it repair only what a kill may leave, and returns what is wrong after that."""
    report = library.doctor.examine()
    if report is None:
        return Verdict(wrong=["the doctor stopped"])
    worse = sorted({each.kind for each in report.findings} - SWEPT)
    after = library.doctor.repaired(report) if report.findings and not worse else report
    left = {each.kind for each in after.findings} if after else {"stopped"}
    return Verdict(wrong=[f"doctor: {kind}" for kind in [*worse, *sorted(left - set(worse))]])


def _counted(library: ImageLibrary, pictures: int) -> Verdict:
    rows, status = library.count_rows(), library.status()
    counted = (status.pictures, rows, status.missing, status.elsewhere)
    return Verdict(wrong=[] if counted == (pictures, pictures, 0, 0) else [f"counted {counted} instead of {pictures}"])


def _left_over(place: Place) -> Verdict:
    left = [id[:8] for id, own in _files(place).items() if not ("json" in own or "trash" in own)]
    partial = [path.name for path in place.images.rglob("*.partial")]
    return Verdict(wrong=[f"left behind: {name}" for name in [*left, *partial]])


def _files(place: Place) -> dict[ContentId, dict[str, bytes]]:
    """Returns the files of each picture by the end of their names."""
    found: dict[ContentId, dict[str, bytes]] = defaultdict(dict)
    store = place.open_store()
    for file in store.files():
        name = file.name.rpartition("/")[2]
        stem, _, ending = name.partition(".")
        if stem and not name.endswith((".partial", ".added")):
            found[ContentId(stem)][ending.rpartition(".")[2] if ending.endswith("trash") else ending] = store.read_file(
                file.name
            )
    return found


def _opens(data: bytes) -> bool:
    try:
        Image.open(BytesIO(data)).load()
    except (OSError, ValueError):
        return False
    return True


def _age(place: Place) -> None:
    """Sets back the times of files other than records and trash, so that they count as abandoned."""
    moment = time.time() - OLD
    for path in place.images.rglob("*"):
        if path.is_file() and path.suffix not in (".json", ".trash"):
            os.utime(path, (moment, moment))
