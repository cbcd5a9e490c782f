"""What was taken in from a watched source, by path: remembered across restarts."""

import json
import logging
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from library.images import ContentId, parse_content_id

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SeenFile:
    """The picture last taken in from a path, if one was, and the signature that the file had when it was last read.

    `origin` is the source under which that picture came into the library, `mount` the disk below the watched folder.
    """

    signature: str
    id: ContentId | None = None
    origin: str = ""
    mount: str = ""


class WatchState(Mapping[str, SeenFile]):
    """A line is appended for each change; opening writes the file anew, atomically.

    A line that is damaged, or that a kill cut short, only means that the path is looked at again.
    """

    def __init__(self, file: Path | None = None, index: str = "") -> None:
        """`index` is what the pictures went into: where that is another one, everything is looked at again."""
        self._file = file
        self._index = index
        self._can_write = True
        self._taken: dict[str, SeenFile] = {}
        self._paths: defaultdict[ContentId, set[str]] = defaultdict(set)
        if file and file.exists():
            self._load(file)
        if file:
            self._rewrite(file)

    def __getitem__(self, path: str) -> SeenFile:
        return self._taken[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._taken)

    def __len__(self) -> int:
        return len(self._taken)

    def paths(self, id: ContentId) -> frozenset[str]:
        """Those that hold this picture."""
        return frozenset(self._paths.get(id, ()))

    def origin(self, id: ContentId) -> str | None:
        return next((self._taken[path].origin for path in self.paths(id)), None)

    def update(self, changes: Mapping[str, SeenFile | None]) -> None:
        """None forgets the path."""
        for path, taken in changes.items():
            self._set(path, taken)
        if self._file and changes:
            self._append(self._file, changes)

    def look_at_all_again(self) -> None:
        for path, taken in list(self._taken.items()):
            self._taken[path] = replace(taken, signature="")

    def _set(self, path: str, taken: SeenFile | None) -> None:
        previous = self._taken.pop(path, None)
        if previous and previous.id:
            self._paths[previous.id].discard(path)
            if not self._paths[previous.id]:
                del self._paths[previous.id]
        if taken:
            self._taken[path] = taken
            if taken.id:
                self._paths[taken.id].add(path)

    def _load(self, file: Path) -> None:
        try:
            lines = file.read_bytes().splitlines()
        except OSError as error:
            logger.warning("Everything is looked at again, since this cannot be read: %s", error)
            return
        is_same_index = bool(lines) and _parsed(lines[0]) == {"index": self._index}
        for line in lines[1:]:
            with suppress(ValueError, TypeError, KeyError):
                self._set(*_entry(_parsed(line)))
        if not is_same_index:
            self.look_at_all_again()

    def _rewrite(self, file: Path) -> None:
        """Beside it first, so that a kill leaves the old one or the new one."""
        partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
        with self._failures_told():
            file.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("w", encoding="ascii") as lines:
                lines.write(json.dumps({"index": self._index}) + "\n")
                lines.writelines(_line(path, taken) for path, taken in self._taken.items())
            partial.replace(file)

    def _append(self, file: Path, changes: Mapping[str, SeenFile | None]) -> None:
        with self._failures_told(), file.open("a", encoding="ascii") as lines:
            lines.writelines(_line(path, taken) for path, taken in changes.items())

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        """A disk that cannot be written costs the memory across restarts, nothing else."""
        try:
            yield
        except OSError as error:
            if self._can_write:
                logger.warning("What was taken in by watching is not remembered across restarts: %s", error)
            self._can_write = False


def _line(path: str, taken: SeenFile | None) -> str:
    # In ASCII, since names that are not UTF-8 reach Python with lone surrogates.
    return json.dumps({"path": path} | ({"gone": True} if taken is None else asdict(taken))) + "\n"


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _entry(fields: Any) -> tuple[str, SeenFile | None]:
    """Raises ValueError, TypeError or KeyError for what is no entry."""
    if not isinstance(fields, dict):
        raise TypeError
    path = str(fields.pop("path"))
    if fields.get("gone"):
        return path, None
    taken = SeenFile(**fields)
    if not all(isinstance(each, str) for each in (taken.signature, taken.origin, taken.mount)):
        raise TypeError
    return path, replace(taken, id=taken.id and parse_content_id(taken.id))
