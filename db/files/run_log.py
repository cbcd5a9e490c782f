"""Keeps past runs as lines of JSON in one file, which several processes may append to."""

import json
import logging
import math
from collections import deque
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from library.history import OUTCOMES, PastRun
from library.messages import Message
from library.messages.reasons import reason_of
from library.running.atomic import append_lines
from library.running.disk import check_regular

logger = logging.getLogger(__name__)


class RunLog:
    """Keeps one line of JSON for each past run. A line that cannot be written is logged and ends no run."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, run: PastRun) -> None:
        try:
            append_lines(self._path, [json.dumps(_line(run), ensure_ascii=False).encode("utf-8", "replace")])
        except OSError as error:
            logger.warning(
                "The run could not be noted in %s: %s. What it added is complete.", self._path.name, reason_of(error)
            )

    def newest(self, limit: int) -> list[PastRun]:
        """Returns the newest runs, newest first; lines that a killed process left unfinished are left out."""
        try:
            check_regular(self._path)
            with self._path.open(encoding="utf-8", errors="replace") as file:
                lines = deque(file, maxlen=limit)
        except OSError:
            return []
        return [run for line in reversed(lines) if (run := _parsed(line))]


def _line(run: PastRun) -> dict[str, Any]:
    """Returns the problem in English, and beside it what another language renders it from."""
    message = run.problem if isinstance(run.problem, Message) else None
    said = {"problem": str(message), "message": message.as_json()} if message else {}
    return asdict(replace(run, problem=None if message else run.problem)) | said


def _parsed(line: str) -> PastRun | None:
    try:
        fields = json.loads(line)
        message = Message.parse(fields.pop("message", None))
        run = PastRun(**fields)
        if not _is_sound(run):
            return None
        return replace(run, problem=message) if message else run
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _is_sound(run: PastRun) -> bool:
    """Tells whether every value is of its type: a line may have been written by anything."""
    texts = (run.at, run.source, run.outcome, "" if run.problem is None else run.problem)
    numbers = [run.seconds, *run.counts.values()]
    return (
        all(isinstance(each, str) for each in texts)
        and run.outcome in OUTCOMES
        and all(isinstance(each, int | float) and math.isfinite(each) for each in numbers)
    )
