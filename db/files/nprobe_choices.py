"""Keeps the nprobe that somebody chose for a collection, or that was measured, as JSON under DATA_DIR."""

import json
import logging
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from library.errors import StoreUnavailable
from library.messages.reasons import reason_of
from library.running.atomic import write_atomically
from library.running.disk import check_regular

logger = logging.getLogger(__name__)

AGAIN = "Choose again: python app.py tune --store"
MEASURED_AGAIN = "It is measured again by the next import."


@dataclass(frozen=True)
class Choice:
    """Holds an nprobe that was chosen for an index of `nlist` clusters, and does not hold for any other."""

    nprobe: int
    nlist: int
    rows: int | None = None  # with which it was measured


class NprobeChoices:
    """Holds the choices, read again when another process has changed them. Safe to call from several threads."""

    def __init__(self, path: Path, again: str = AGAIN) -> None:
        """Keeps them in the file `path`; `again` is what the log says to do where it is damaged."""
        self._path = path
        self._again = again
        self._lock = threading.Lock()
        self._read_at: tuple[int, int] | None = None
        self._choices: dict[str, Choice] = {}

    def find(self, collection: str) -> Choice | None:
        with self._lock:
            self._refresh()
            return self._choices.get(collection)

    def keep(self, collection: str, choice: Choice | None) -> None:
        """Keeps the choice for this collection; None takes it back. Raises StoreUnavailable."""
        with self._lock:
            self._refresh()
            others = {name: each for name, each in self._choices.items() if name != collection}
            self._choices = {**others, collection: choice} if choice else others
            self._write()

    def _refresh(self) -> None:
        """Reads the file where it has changed. What cannot be read counts as no choice."""
        try:
            stat = self._path.stat()
            if self._read_at == (stat.st_mtime_ns, stat.st_size):
                return
            self._read_at = (stat.st_mtime_ns, stat.st_size)  # a damaged file is told of once
            check_regular(self._path)
            given = json.loads(self._path.read_text(encoding="utf-8"))
            self._choices = {str(name): choice for name, each in given.items() if (choice := self._checked(name, each))}
        except FileNotFoundError:
            self._choices, self._read_at = {}, None
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            logger.warning(
                "%s cannot be read (%s): nprobe is chosen automatically. %s", self._path.name, error, self._again
            )
            self._choices = {}

    def _checked(self, collection: str, given: Any) -> Choice | None:
        try:
            rows = given.get("rows")
            choice = Choice(int(given["nprobe"]), int(given["nlist"]), None if rows is None else int(rows))
            if 1 <= choice.nprobe <= choice.nlist:
                return choice
        except (AttributeError, TypeError, ValueError, KeyError, OverflowError):
            pass
        logger.warning("%s names no possible nprobe for %s. %s", self._path.name, collection, self._again)
        return None

    def _write(self) -> None:
        kept = {name: asdict(choice) for name, choice in self._choices.items()}
        known = {name: {key: each for key, each in one.items() if each is not None} for name, one in kept.items()}
        text = json.dumps(known, indent=1)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, [text.encode() + b"\n"])
        except OSError as error:
            raise StoreUnavailable("choice_not_kept", file=self._path.name, reason=reason_of(error)) from error
        self._read_at = None
