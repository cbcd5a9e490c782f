"""Remembers which visitor of the demo uploaded a file, began a session or an event."""

import threading
from collections import OrderedDict
from pathlib import Path

KEPT = 50_000  # sessions and events, whose names nobody can guess
LONGEST_NAME = 100  # characters: that of a session or an event is much shorter, and a body could hold a million
FILES = 10_000  # from which on those that were swept away are forgotten


class Ownership:
    """Tells which session, event and file belongs to which visitor. Several may have uploaded the same file."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._names: OrderedDict[str, str] = OrderedDict()
        self._files: dict[Path, set[str]] = {}

    def claim(self, name: str, visitor: str) -> bool:
        """Returns whether a session is the visitor's. One that is nobody's yet becomes the visitor's.

        A server that renders the page begins a session for a visitor whom it does not know. A name longer than any is
        nobody's, and not kept.
        """
        if len(name) > LONGEST_NAME:
            return False
        with self._changing:
            owner = self._names[name] = self._names.get(name) or visitor
            while len(self._names) > KEPT:
                self._names.popitem(last=False)
            return owner == visitor

    def has(self, name: str, visitor: str) -> bool:
        """Returns whether the session or event of this name belongs to the visitor."""
        return self._names.get(name) == visitor

    def note_file(self, path: str, visitor: str) -> None:
        """Notes an upload of the visitor's."""
        with self._changing:
            self._files.setdefault(Path(path).resolve(), set()).add(visitor)
            if len(self._files) > FILES:
                self._files = {each: owners for each, owners in self._files.items() if each.exists()}

    def has_file(self, path: Path, visitor: str) -> bool:
        """Returns whether the visitor uploaded the file at this path, which is resolved."""
        return visitor in self._files.get(path, ())

    def forget(self, visitor: str) -> None:
        """Removes the files that only this visitor has uploaded."""
        with self._changing:
            for path, owners in list(self._files.items()):
                owners.discard(visitor)
                if not owners:
                    del self._files[path]
                    path.unlink(missing_ok=True)
