"""Keeps the decisions about near-duplicates as lines of JSON in one file, which several processes may append to."""

import json
import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from library.duplicates.decisions import PassingDecisions
from library.errors import InvalidContentId, StoreUnavailable
from library.images import ContentId, parse_content_id
from library.messages.reasons import reason_of
from library.running.atomic import append_lines
from library.running.disk import check_regular

logger = logging.getLogger(__name__)


class DecisionFile:
    """Keeps decisions in a file, and reads what other processes have added. Safe to call from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._forget()

    def mark_distinct(self, ids: Sequence[ContentId], others: Sequence[ContentId]) -> None:
        self._append({"apart": list(ids)} if ids == others else {"apart": list(ids), "from": list(others)})

    def supersede(self, ids: Sequence[ContentId], kept: ContentId) -> None:
        self._append({"given_up": list(ids), "kept": kept})

    def are_distinct(self, one: ContentId, other: ContentId) -> bool:
        with self._lock:
            self._read_on()
            return self._known.are_distinct(one, other)

    def kept_instead_of(self, id: ContentId) -> list[ContentId]:
        with self._lock:
            self._read_on()
            return self._known.kept_instead_of(id)

    def _append(self, decision: dict[str, Any]) -> None:
        with self._lock:
            try:
                append_lines(self._path, [json.dumps(decision).encode()])
            except OSError as error:
                raise StoreUnavailable("decision_not_kept", file=self._path.name, reason=reason_of(error)) from error

    def _forget(self) -> None:
        self._known = PassingDecisions()
        self._read_to = 0
        self._lines_read = 0
        self._inode = 0

    def _read_on(self) -> None:
        """Reads the lines that were added since the last reading. A damaged one counts as no decision."""
        try:
            found = os.stat(self._path)
            if found.st_ino != self._inode or found.st_size < self._read_to:
                self._forget()
                self._inode = found.st_ino
            if found.st_size == self._read_to:
                return
            check_regular(self._path)
            with self._path.open("rb") as file:
                file.seek(self._read_to)
                lines, ending, _ = file.read().rpartition(b"\n")
            self._read_to += len(lines + ending)
        except FileNotFoundError:
            self._forget()
            return
        except OSError as error:
            logger.warning(
                "%s cannot be read: %s. Near-duplicates count as not decided.", self._path.name, reason_of(error)
            )
            return
        for line in lines.splitlines():
            self._lines_read += 1
            if line.strip():
                self._apply(line)

    def _apply(self, line: bytes) -> None:
        try:
            decision = json.loads(line)
            if "apart" in decision:
                ids = _ids(decision["apart"])
                self._known.mark_distinct(ids, _ids(decision["from"]) if "from" in decision else ids)
            else:
                self._known.supersede(_ids(decision["given_up"]), parse_content_id(decision["kept"]))
        except (ValueError, TypeError, KeyError, RecursionError, InvalidContentId):
            logger.warning(
                "Line %d of %s says nothing and is passed over: decide on these near-duplicates again.",
                self._lines_read,
                self._path.name,
            )


def _ids(given: Any) -> list[ContentId]:
    """Returns the content IDs in a line. Raises TypeError or InvalidContentId."""
    if not isinstance(given, list):
        raise TypeError
    return [parse_content_id(each) for each in given]
