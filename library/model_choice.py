"""Chooses the model in use when the library opens: the one that is set, or the fallback."""

import logging

from library.errors import IndexUnavailable, ModelUnavailable
from library.messages import message
from library.models import Models
from library.ports import Encoder, VectorDatabase

logger = logging.getLogger(__name__)


def choose_model(models: Models, database: VectorDatabase) -> None:
    """Loads the chosen model, or the fallback, and lets it answer. Raises what loading raises."""
    try:
        _choose(models, database)
    except BaseException as error:
        models.fail(error)
        raise


def _choose(models: Models, database: VectorDatabase) -> None:
    try:
        chosen = models.chosen()
    except ModelUnavailable as error:
        fallback = models.fallback()
        if fallback is None:
            raise
        models.answer_with(fallback, error.message)
        return
    if fallback := _fuller_fallback(models, database, chosen):
        models.answer_with(fallback, message("model_behind", model=chosen.info.name))
    else:
        models.answer_with(chosen)


def _fuller_fallback(models: Models, database: VectorDatabase, chosen: Encoder) -> Encoder | None:
    """Returns the fallback where it has more of the pictures than the chosen model: reindexing must not hide them."""
    try:
        fallback = models.fallback()
        if fallback and database.holds(fallback.info):
            return fallback if _rows_of(fallback, database) > _rows_of(chosen, database) else None
    except IndexUnavailable as error:
        logger.debug("the fallback was not looked at: %s", error)
    return None


def _rows_of(encoder: Encoder, database: VectorDatabase) -> int:
    if not database.holds(encoder.info):
        return 0
    with database.collection(encoder.info).loaded() as index:
        return index.count()
