"""Past runs as lines of JSON in one file, which several processes may append to."""

import json
import logging
import os
from collections import deque
from dataclasses import asdict
from pathlib import Path

from library.history import PastRun

logger = logging.getLogger(__name__)


class RunLog:
    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, run: PastRun) -> None:
        line = json.dumps(asdict(run), ensure_ascii=False) + "\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # One write to a file opened for appending: lines of two processes never mix.
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            with open(descriptor, "wb", buffering=0) as file:
                file.write(line.encode())
        except OSError as error:
            logger.warning("The run could not be noted in %s: %s", self._path.name, error.strerror)

    def newest(self, limit: int) -> list[PastRun]:
        """Lines that a killed process left unfinished are passed over."""
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
