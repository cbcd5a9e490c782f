"""Keeps evaluations as JSON files under DATA_DIR, one each, named by their time."""

import json
import logging
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from db.files.evaluation_shape import Evaluation, first_problem
from library.errors import StoreUnavailable
from library.messages.reasons import reason_of
from library.running.atomic import write_atomically
from library.running.disk import check_regular

logger = logging.getLogger(__name__)


class EvaluationFiles:
    """Keeps evaluations in a folder, and makes it with the first of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, evaluation: dict[str, Any]) -> str:
        """Writes a file for the evaluation and returns its path. Raises StoreUnavailable."""
        stem = evaluation["at"].replace(":", "").replace("-", "")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._free(stem)
            write_atomically(path, [json.dumps(evaluation, ensure_ascii=False, indent=1).encode() + b"\n"])
        except OSError as error:
            raise StoreUnavailable("evaluation_not_kept", reason=reason_of(error)) from error
        return str(path)

    def newest(self, limit: int) -> list[dict[str, Any]]:
        """Returns the newest evaluations, newest first; a file that cannot be read is left out."""
        try:
            paths = sorted(self._folder.glob("*.json"), key=_age, reverse=True)[:limit]
        except OSError:
            return []
        return [evaluation for path in paths if (evaluation := _read(path))]

    def _free(self, stem: str) -> Path:
        """Returns a path that is not taken: two evaluations may end in one second."""
        names = (f"{stem}.json", *(f"{stem}-{number}.json" for number in range(2, 1000)))
        return next(path for name in names if not (path := self._folder / name).exists())


def _age(path: Path) -> tuple[str, int, str]:
    moment, _, number = path.stem.partition("-")
    return moment, len(number), number


def _read(path: Path) -> dict[str, Any] | None:
    try:
        check_regular(path)
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        Evaluation.model_validate(value)
        return value
    except (OSError, ValueError, RecursionError) as error:
        reason = first_problem(error) if isinstance(error, ValidationError) else error
        logger.warning("%s is left out (%s). Remove it, or evaluate again: python app.py evaluate", path.name, reason)
        return None
