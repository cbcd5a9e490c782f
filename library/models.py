"""Which encoder answers: the chosen one, or a stand-in while the chosen one cannot be had."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from dataclasses import dataclass

from library.errors import UNEXPECTED, LikenessError
from library.ports import Encoder, EncoderInfo

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelSource:
    """A model by its name. `load` raises UnknownModel, or ModelUnavailable where trying again can help."""

    name: str
    load: Callable[[], Encoder]


@dataclass(frozen=True)
class ModelStatus:
    """`name` is the chosen model. `info` is that of the encoder that answers, None until one does;
    `problem` says why the chosen one does not."""

    name: str
    info: EncoderInfo | None
    problem: str | None

    @property
    def is_loading(self) -> bool:
        return self.info is None and self.problem is None

    @property
    def is_stand_in(self) -> bool:
        return self.info is not None and self.problem is not None


class Models:
    """Safe to call from several threads. Loads nothing until asked."""

    def __init__(self, chosen: ModelSource, stand_in: ModelSource | None = None) -> None:
        self._chosen = _Once(chosen)
        self._stand_in = _Once(stand_in) if stand_in else None
        self._answering: Future[Encoder] = Future()
        self._problem: str | None = None

    def chosen(self) -> Encoder:
        """Loads it where that is not done yet, however often it failed before."""
        return self._chosen.get()

    def stand_in(self) -> Encoder | None:
        return self._stand_in.get() if self._stand_in else None

    def answering(self) -> Encoder:
        """Waits until one answers. Raises what kept both from it."""
        return self._answering.result()

    def answer_with(self, encoder: Encoder, problem: str | None = None) -> None:
        """`problem` says why it is not the chosen one."""
        answering: Future[Encoder] = Future()
        answering.set_result(encoder)
        first, self._answering, self._problem = self._answering, answering, problem
        with suppress(InvalidStateError):
            first.set_result(encoder)
        if problem:
            logger.warning("model %s answers instead of %s: %s", encoder.info.name, self._chosen.name, problem)

    def fail(self, error: BaseException) -> None:
        """Whoever waits for a first encoder waits no longer."""
        with suppress(InvalidStateError):
            self._answering.set_exception(error)

    def status(self) -> ModelStatus:
        try:
            info = self._answering.result(timeout=0).info
        except NotYet:
            return ModelStatus(self._chosen.name, None, None)
        except LikenessError as error:
            return ModelStatus(self._chosen.name, None, str(error))
        except Exception:
            return ModelStatus(self._chosen.name, None, UNEXPECTED)
        return ModelStatus(self._chosen.name, info, self._problem)


class _Once:
    def __init__(self, source: ModelSource) -> None:
        self.name = source.name
        self._load = source.load
        self._loading = threading.Lock()
        self._encoder: Encoder | None = None

    def get(self) -> Encoder:
        with self._loading:
            if self._encoder is None:
                self._encoder = self._load()
            return self._encoder
