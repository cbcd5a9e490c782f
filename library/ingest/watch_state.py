"""Remembers across restarts which picture was imported from which path of a watched source."""

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from library.images import ContentId, parse_content_id

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SeenFile:
    """Names the picture last imported from a path, if one was, and the signature that the file had when last read.

    `origin` is the source from which that picture was added, `mount` the disk below the watched folder.
    """

    signature: str
    id: ContentId | None = None
    origin: str = ""
    mount: str = ""


class LineLog(Protocol):
    """Keeps lines that outlive the process, in a file or elsewhere. Every method raises OSError."""

    def read(self) -> Sequence[bytes]:
        """Returns all lines."""
        ...

    def rewrite(self, lines: Iterable[bytes]) -> None:
        """Replaces all lines. A kill leaves the old ones or the new ones."""
        ...

    def append(self, lines: Iterable[bytes]) -> None:
        """Adds lines at the end."""
        ...


class WatchState(Mapping[str, SeenFile]):
    """Maps each path to what was last seen there, and keeps that in a log.

    A line is appended for each change; opening writes the file anew, atomically. A line that is damaged, or that a
    kill cut short, only means that the path is read again.
    """

    def __init__(self, log: LineLog | None = None, index: str = "") -> None:
        """Reads the log. `index` names the collection of the pictures: with another one, everything is read again."""
        self._log = log
        self._index = index
        self._can_write = True
        self._seen: dict[str, SeenFile] = {}
        self._paths: defaultdict[ContentId, set[str]] = defaultdict(set)
        if log:
            self._load(log)
            self._rewrite(log)

    def __getitem__(self, path: str) -> SeenFile:
        return self._seen[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)

    def paths(self, id: ContentId) -> frozenset[str]:
        """Returns the paths that hold this picture."""
        return frozenset(self._paths.get(id, ()))

    def origin(self, id: ContentId) -> str | None:
        """Returns the source from which this picture was added, if it is a watched one."""
        return next((self._seen[path].origin for path in self.paths(id)), None)

    def update(self, changes: Mapping[str, SeenFile | None]) -> None:
        """Replaces what is known of these paths; None forgets one."""
        for path, seen in changes.items():
            self._set(path, seen)
        if self._log and changes:
            with self._failures_told():
                self._log.append(_line(path, seen) for path, seen in changes.items())

    def read_all_again(self) -> None:
        """Forgets the signatures, so that the next scan reads every file anew."""
        for path, seen in list(self._seen.items()):
            self._seen[path] = replace(seen, signature="")

    def _set(self, path: str, seen: SeenFile | None) -> None:
        previous = self._seen.pop(path, None)
        if previous and previous.id:
            self._paths[previous.id].discard(path)
            if not self._paths[previous.id]:
                del self._paths[previous.id]
        if seen:
            self._seen[path] = seen
            if seen.id:
                self._paths[seen.id].add(path)

    def _load(self, log: LineLog) -> None:
        try:
            lines = log.read()
        except OSError as error:
            logger.warning("Everything is read again, since this cannot be read: %s", error)
            return
        is_same_index = bool(lines) and _parsed(lines[0]) == {"index": self._index}
        for line in lines[1:]:
            with suppress(ValueError, TypeError, KeyError):
                self._set(*_entry(_parsed(line)))
        if not is_same_index:
            self.read_all_again()

    def _rewrite(self, log: LineLog) -> None:
        index = json.dumps({"index": self._index}).encode()
        with self._failures_told():
            log.rewrite([index, *(_line(path, seen) for path, seen in self._seen.items())])

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        """Logs failures: a disk that cannot be written costs the memory across restarts, nothing else."""
        try:
            yield
        except OSError as error:
            if self._can_write:
                logger.warning("What was imported by watching is not remembered across restarts: %s", error)
            self._can_write = False


def _line(path: str, seen: SeenFile | None) -> bytes:
    # In ASCII, which holds names that are not UTF-8, too.
    return json.dumps({"path": path} | ({"gone": True} if seen is None else asdict(seen))).encode()


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _entry(fields: Any) -> tuple[str, SeenFile | None]:
    """Returns the entry of a line. Raises ValueError, TypeError or KeyError."""
    if not isinstance(fields, dict):
        raise TypeError
    path = str(fields.pop("path"))
    if fields.get("gone"):
        return path, None
    seen = SeenFile(**fields)
    if not all(isinstance(each, str) for each in (seen.signature, seen.origin, seen.mount)):
        raise TypeError
    return path, replace(seen, id=seen.id and parse_content_id(seen.id))
