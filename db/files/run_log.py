"""Keeps past runs as lines of JSON in one file, which several processes may append to."""

import json
import logging
from collections import deque
from dataclasses import asdict
from pathlib import Path

from db.files.atomic import append_lines
from library.history import PastRun

logger = logging.getLogger(__name__)


class RunLog:
    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, run: PastRun) -> None:
        try:
            append_lines(self._path, [json.dumps(asdict(run), ensure_ascii=False).encode()])
        except OSError as error:
            logger.warning("The run could not be noted in %s: %s", self._path.name, error.strerror)

    def newest(self, limit: int) -> list[PastRun]:
        """Returns the newest runs, newest first; lines that a killed process left unfinished are left out."""
        try:
            with self._path.open(encoding="utf-8", errors="replace") as file:
                lines = deque(file, maxlen=limit)
        except OSError:
            return []
        return [run for line in reversed(lines) if (run := _parsed(line))]


def _parsed(line: str) -> PastRun | None:
    try:
        return PastRun(**json.loads(line))
    except (ValueError, TypeError):
        return None
