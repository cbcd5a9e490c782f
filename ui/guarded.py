"""Turns the errors of all handlers into something to show."""

import logging
from collections.abc import Callable
from typing import TypeVar

from library.errors import LikenessError

logger = logging.getLogger(__name__)

T = TypeVar("T")


def guarded(work: Callable[[], T], otherwise: Callable[[Exception], T]) -> T:
    """Returns what `work` returns; where that raises, what `otherwise` makes of the error.

    Bugs keep their traceback in the log; what a person can act on is shown and needs none.
    """
    try:
        return work()
    except Exception as error:
        if not isinstance(error, LikenessError):
            logger.error("A request failed", exc_info=error)
        return otherwise(error)
