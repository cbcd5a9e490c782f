"""Finds the sidecars of pictures among the files of one folder, and reads what they say of a picture."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from pathlib import Path, PurePath
from typing import TypeVar

from db.sources.local_files import ANYWHERE, LocalFiles, read_regular
from db.sources.sidecars import takeout, xmp
from db.sources.sidecars.described import Fields, Unread
from db.sources.sidecars.takeout import Candidate, TakeoutNames, agrees, is_of_another_kind, read_album, read_takeout
from db.sources.sidecars.xmp import read_xmp
from library.errors import LikenessError, RejectedImage
from library.images import reason_to_skip
from library.ingest.items import Describe, Described
from library.messages import Message, message
from library.messages.reasons import reason_of
from library.records import clean_name

MAX_BYTES = 16 << 20  # Lightroom keeps its masks in them
SUFFIXES = (takeout.SUFFIX, xmp.SUFFIX)

T = TypeVar("T")

Read = Callable[[str], bytes]  # by the name within the folder; raises OSError or LikenessError


def may_be_sidecar(name: str) -> bool:
    """Returns whether a file ends as sidecars do."""
    return name.lower().endswith(SUFFIXES)


def beginning_of_sidecars(picture: str) -> str:
    """Returns what the names of all sidecars of a picture begin with."""
    return takeout.beginning_of(PurePath(picture).stem)


class Sidecars:
    """Tells which files of one folder are sidecars, and of which picture. Safe to use from several threads."""

    def __init__(self, names: Iterable[str], read: Read, looks_inside: bool = True) -> None:
        """Takes the `names` of all files of the folder.

        Without `looks_inside`, JSON of another kind counts as a sidecar by its name: reading may be dear.
        """
        self.names = list(names)
        self._candidates = [name for name in self.names if may_be_sidecar(name)]
        self._read = read
        self._looks_inside = looks_inside

    def reason_if_one(self, name: str) -> Message | None:
        """Returns why a file is no picture, where it is the sidecar of one of the folder."""
        if not may_be_sidecar(name) or name not in self._used:
            return None
        return None if self._looks_inside and self._is_of_another_kind(name) else message("sidecar")

    def of(self, picture: str) -> list[str]:
        """Returns the names of the files that may speak of a picture."""
        found = self._by_picture.get(picture) if self._candidates else None
        return found.names if found else []

    def describing(self, picture: str) -> Describe | None:
        """Returns what reads the sidecars of a picture; None where it has none."""
        return partial(self._described, self._by_picture[picture]) if self.of(picture) else None

    @cached_property
    def _by_picture(self) -> dict[str, "_Beside"]:
        packets = {name.lower(): name for name in self._candidates if name.lower().endswith(xmp.SUFFIX)}
        notes = TakeoutNames(name for name in self._candidates if name.lower().endswith(takeout.SUFFIX))
        pictures = (name for name in self.names if reason_to_skip(name) is None)
        found = ((name, _Beside(name, packets, notes)) for name in pictures)
        return {name: beside for name, beside in found if beside.names}

    @cached_property
    def _used(self) -> frozenset[str]:
        return frozenset(name for picture in self._by_picture for name in self.of(picture))

    def _is_of_another_kind(self, name: str) -> bool:
        try:
            return name.lower().endswith(takeout.SUFFIX) and is_of_another_kind(name, self._read(name))
        except (OSError, LikenessError):  # told with its picture
            return False

    def _described(self, beside: "_Beside") -> Described:
        problems: list[Message] = []
        found = [*self._packets(beside, problems), *self._takeout(beside, problems), *self._albums(beside, problems)]
        return Described(_merged(found), problems[0] if problems else None)

    def _packets(self, beside: "_Beside", problems: list[Message]) -> Iterator[Fields]:
        for name in beside.xmp:
            if fields := self._parsed(name, read_xmp, problems):
                yield fields

    def _takeout(self, beside: "_Beside", problems: list[Message]) -> Iterator[Fields]:
        for candidate in beside.takeout:
            own: list[Message] = []
            found = self._parsed(candidate.name, read_takeout, own)
            is_its_own = not candidate.titled or (found is not None and agrees(found[0], candidate.titled))
            problems.extend(own if is_its_own else [])
            if found and is_its_own:
                yield found[1]
                return

    def _albums(self, beside: "_Beside", problems: list[Message]) -> Iterator[Fields]:
        for name in beside.albums:
            if fields := self._parsed(name, read_album, problems):
                yield fields

    def _parsed(self, name: str, parse: Callable[[bytes, Unread], T], problems: list[Message]) -> T | None:
        unread = Unread()
        try:
            found = parse(self._read(name), unread)
            if unread:
                problems.append(message("sidecar_values_left_out", name=clean_name(name), fields=", ".join(unread)))
            if unread.repaired:
                repaired = ", ".join(unread.repaired)
                problems.append(message("sidecar_values_mended", name=clean_name(name), fields=repaired))
            return found
        except OSError as error:
            reason: str | Message = reason_of(error)
        except LikenessError as error:
            reason = error.message
        problems.append(message("sidecar_left_out", name=clean_name(name), reason=reason))
        return None


class SidecarFolders:
    """Lists the folders of files that are named one by one, each once. Unreadable ones count as empty."""

    def __init__(self, files: LocalFiles = ANYWHERE) -> None:
        self._files = files
        self._folders: dict[str, Sidecars] = {}

    def of(self, file: str | Path) -> Sidecars:
        """Returns the sidecars of the folder that a file lies in."""
        folder = os.path.dirname(file)
        if folder not in self._folders:
            try:
                names = [each.name for each in self._files.entries(Path(folder))]
            except OSError:
                names = []
            self._folders[folder] = Sidecars(names, in_folder(Path(folder), self._files))
        return self._folders[folder]


class _Beside:
    """Names the sidecars of one picture, by their kinds."""

    def __init__(self, picture: str, packets: dict[str, str], notes: TakeoutNames) -> None:
        stem = PurePath(picture).stem
        names = (f"{each}{xmp.SUFFIX}".lower() for each in (picture, stem))
        self.xmp = [packets[name] for name in names if name in packets]
        self.takeout = _each_once(notes.of(picture))
        self.albums = notes.albums
        self.names = [*self.xmp, *(each.name for each in self.takeout), *self.albums]


def _each_once(candidates: Iterable[Candidate]) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    for candidate in candidates:
        found.setdefault(candidate.name, candidate)
    return list(found.values())


def check_sidecar(size: int) -> None:
    """Raises RejectedImage for a sidecar of more bytes than any needs, before it is read."""
    if size > MAX_BYTES:
        raise RejectedImage("sidecar_too_large", size=round(size / 1e6), most=MAX_BYTES >> 20)


def in_folder(folder: Path, files: LocalFiles = ANYWHERE) -> Read:
    """Returns what reads the sidecars of a folder on disk."""
    return lambda name: read_sidecar(folder / name, files)


def read_sidecar(path: Path, files: LocalFiles = ANYWHERE) -> bytes:
    """Returns the bytes of a sidecar on disk. Raises OSError, and RejectedImage for one that is too large."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return read_regular(path, check_sidecar, files)


def _merged(found: Iterable[Fields]) -> dict[str, object]:
    """Returns the fields of all sidecars; of two that say something, the first counts."""
    merged: dict[str, object] = {}
    for fields in found:
        for name, value in fields.items():
            if merged.get(name) is None:
                merged[name] = value
    return merged
