"""Recognises the archives that are parts of one Google Takeout, and finds the sidecars in all of them."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from pathlib import Path

from db.sources.archives.items import FindSidecars, OpenFile, sidecars_in_parts
from db.sources.archives.sidecars import Folders
from db.sources.local_files import ANYWHERE, LocalFiles

# Only in a Takeout the paths are those of one whole: other archives may have another picture under the same path.
NUMBERED = re.compile(r"(takeout.*?)[-_ ]?\(?\d{1,4}\)?(\.zip|\.tgz|\.tar(\.\w+)?)", re.IGNORECASE | re.ASCII)
OF_TAKEOUT = re.compile(r"takeout-\d{8}T\d{6}Z-(\d+-)?\d{3}\.(zip|tgz)", re.IGNORECASE | re.ASCII)

Part = tuple[str, OpenFile]  # by its name


class Parts:
    """Finds the sidecars of an archive in all of its parts, which are listed once."""

    def __init__(self, parts: Iterable[Part], encoding: str = "") -> None:
        self._groups: dict[str, list[Part]] = {}
        for part in parts:
            self._groups.setdefault(_stem(part[0]), []).append(part)
        self._found = lru_cache(maxsize=1)(partial(_found, self._groups, encoding))

    def finder(self, name: str) -> FindSidecars | None:
        """Returns a function that finds the sidecars of an archive in all of its parts; None for a single archive."""
        return partial(self._found, _stem(name)) if len(self._groups.get(_stem(name), [])) > 1 else None


def is_of_takeout(name: str) -> bool:
    """Returns whether an archive is one that Google Takeout names so, which a folder may hold instead of pictures."""
    return bool(OF_TAKEOUT.fullmatch(name))


def part_name(place: str) -> str:
    """Returns the name of the archive at a URL."""
    return place.rpartition("/")[2]


def parts_on_disk(paths: Sequence[Path], files: LocalFiles = ANYWHERE) -> list[Part]:
    """Returns the archives at these paths as parts."""
    return [(path.name, partial(files.open, path)) for path in paths]


def _stem(name: str) -> str:
    """Returns what the names of all parts have in common; the whole name where it has no number at its end."""
    found = NUMBERED.fullmatch(name)
    return f"{found[1]}{found[2]}".lower() if found else name


def _found(groups: dict[str, list[Part]], encoding: str, stem: str) -> Folders:
    return sidecars_in_parts(groups[stem], encoding)
