"""Writes originals as one zip while it is read: one picture at a time is in memory."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from io import SEEK_SET, BytesIO
from pathlib import PurePath
from typing import IO, cast
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from library.decoding.formats import IMAGE_SUFFIXES
from library.errors import OriginalAway, UnknownPicture
from library.images import ContentId
from library.messages import ENGLISH, message, render
from library.records import Record, clean_name

MISSING = "MISSING.txt"
MOST_BYTES_OF_A_NAME = 200  # file systems take 255; there has to be room for a number
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])", re.IGNORECASE)  # names of devices on Windows
READABLE = 0o644 << 16


def zipped(
    records: Sequence[Record],
    original: Callable[[ContentId], bytes],
    gone: Sequence[ContentId] = (),
    language: str = ENGLISH,
) -> Iterator[bytes]:
    """Yields an uncompressed zip, since pictures are.

    What cannot be had is listed in MISSING.txt in that language, and so are those that are `gone`.
    """
    missing = [f"{id}: {render(message('gone'), language)}" for id in gone]
    window = _Window()
    with ZipFile(cast(IO[bytes], window), "w", ZIP_STORED) as file:
        for record, name in zip(records, safe_names(records), strict=True):
            try:
                file.writestr(_entry(name, record), original(record.content_id))
            except (OriginalAway, UnknownPicture) as error:
                missing.append(f"{record.name}, {record.content_id}: {render(error.message, language)}")
            else:
                yield window.take()
        if missing:
            file.writestr(MISSING, "\n".join([render(message("zip_lacks"), language), *missing, ""]))
    yield window.take()


def safe_names(records: Sequence[Record]) -> list[str]:
    """Returns the names of the pictures, such that every system can unpack them beside each other."""
    taken = {_folded(MISSING)}
    numbers: Counter[str] = Counter()
    names = []
    for record in records:
        stem, suffix = _safe(record)
        name = f"{stem}{suffix}"
        while _folded(name) in taken:
            numbers[_folded(stem)] += 1
            name = f"{stem} ({numbers[_folded(stem)] + 1}){suffix}"
        taken.add(_folded(name))
        names.append(name)
    return names


def _safe(record: Record) -> tuple[str, str]:
    """Returns stem and suffix; the latter is always that of a picture."""
    shown = (char for char in unicodedata.normalize("NFC", clean_name(record.name)) if _is_visible(char))
    name = PurePath(FORBIDDEN.sub("_", "".join(shown)).strip(". ") or "unnamed")
    named_so = name.suffix.lower() in IMAGE_SUFFIXES
    stem, suffix = (name.stem, name.suffix) if named_so else (name.name, PurePath(record.img_path).suffix)
    stem = _cut(stem.rstrip(". "), MOST_BYTES_OF_A_NAME) or "unnamed"
    return f"_{stem}" if RESERVED.fullmatch(stem.partition(".")[0].strip()) else stem, suffix


def _is_visible(char: str) -> bool:
    """Returns whether a character shows: not marks that turn the writing direction, nor halves of characters."""
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _cut(text: str, length: int) -> str:
    return text.encode()[:length].decode(errors="ignore").rstrip(". ")


def _folded(name: str) -> str:
    """Returns a form that is equal for names that some file system takes for the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _entry(name: str, record: Record) -> ZipInfo:
    added = record.added_at
    entry = ZipInfo(name, (max(added.year, 1980), *added.timetuple()[1:6]))
    entry.external_attr = READABLE
    return entry


class _Window:
    """Holds in memory what was not taken yet of a file: enough to write the sizes before each picture."""

    def __init__(self) -> None:
        self._taken = 0
        self._rest = BytesIO()

    def write(self, data: bytes) -> int:
        return self._rest.write(data)

    def tell(self) -> int:
        return self._taken + self._rest.tell()

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        return self._rest.seek(offset - self._taken, whence)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        data = self._rest.getvalue()
        self._taken += len(data)
        self._rest = BytesIO()
        return data
