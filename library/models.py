"""Loads the encoders of the library's models when they are needed, chooses the one in use, and keeps which that is."""

import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from library.errors import UNEXPECTED, IndexUnavailable, LikenessError, ModelUnavailable, UnknownModel
from library.messages import Message, message
from library.ports import Encoder, EncoderInfo, VectorDatabase
from library.running import background

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelSource:
    """Names a model and loads it. `load` raises UnknownModel, or ModelUnavailable where trying again can help."""

    name: str
    load: Callable[[], Encoder]


def display_name(name: str) -> str:
    """Returns a model's name as visitors may read it, without the folder on the server where it lies."""
    return PurePath(name).name if PurePath(name).is_absolute() else name


@dataclass(frozen=True)
class ModelStatus:
    """Says which model was chosen and which one answers.

    `name` is the chosen model. `info` describes the encoder that answers, None until one does; `problem` says why the
    chosen one does not.
    """

    name: str
    info: EncoderInfo | None
    problem: Message | None

    @property
    def is_loading(self) -> bool:
        """Returns whether no model answers yet and none has failed."""
        return self.info is None and self.problem is None

    @property
    def is_fallback(self) -> bool:
        """Returns whether the fallback answers in place of the chosen model."""
        return self.info is not None and self.problem is not None


@dataclass(frozen=True)
class OfferedModel:
    """Describes a model that can be searched with. `info` is None until it was in memory once; `problem` says why
    the last try failed."""

    name: str
    state: Literal["away", "loading", "in memory"]
    answers: bool  # where no model is named
    info: EncoderInfo | None
    problem: Message | None


class Models:
    """Keeps the encoders that searches may use, and loads each when it is needed. Safe to call from several threads."""

    def __init__(
        self,
        chosen: ModelSource,
        fallback: ModelSource | None = None,
        others: Sequence[ModelSource] = (),
        release_after: float | None = None,
    ) -> None:
        """Keeps the model in use; the others leave the memory after `release_after` seconds without a use."""
        self._chosen = _KeptModel(chosen, release_after)
        self._others = {display_name(source.name): _KeptModel(source, release_after) for source in others}
        self._fallback = (self._others.get(fallback.name) or _KeptModel(fallback, release_after)) if fallback else None
        self._answering: Future[Encoder] = Future()
        self._problem: Message | None = None

    def chosen(self) -> Encoder:
        """Returns the encoder that CLIP_MODEL names, loading it if need be, however often that failed before."""
        return self._chosen.get()

    def fallback(self) -> Encoder | None:
        """Returns the encoder that answers where the chosen one cannot; None if there is none."""
        return self._fallback.get() if self._fallback else None

    def named(self, name: str) -> Encoder:
        """Returns the encoder of that name once it is there; the one that answers for no name or the chosen one's.

        Raises UnknownModel for one that is not offered, and what loading raises.
        """
        if self.is_chosen(name):
            return self.answering()
        return self._other(name).get()

    def to_encode_for(self, name: str) -> Encoder:
        """Returns the encoder of that name, as `named` does, but for the chosen model always that one itself."""
        return self.chosen() if self.is_chosen(name) else self.named(name)

    def is_chosen(self, name: str) -> bool:
        """Returns whether that name, or no name, means the chosen model."""
        return display_name(name) in ("", display_name(self._chosen.name))

    def prepare(self, name: str) -> bool:
        """Returns whether a model answers at once; else it begins to load. Raises UnknownModel, and once what loading
        raised."""
        if self.is_chosen(name):
            return not self.status().is_loading
        return self._other(name).prepare()

    def offered(self) -> list[OfferedModel]:
        """Returns the models that can be asked, the chosen one first."""
        answering = self.status().info
        return [kept.offered(answering) for kept in (self._chosen, *self._others.values())]

    def _other(self, name: str) -> "_KeptModel":
        if kept := self._others.get(display_name(name)):
            return kept
        offered = ", ".join([display_name(self._chosen.name), *self._others])
        raise UnknownModel("model_not_offered", name=display_name(name)[:80], offered=offered)

    def answering(self) -> Encoder:
        """Returns the encoder that answers, once one does. Raises what kept both from it."""
        return self._answering.result()

    def answer_with(self, encoder: Encoder, problem: Message | None = None) -> None:
        """Lets this encoder answer from now on; `problem` says why it is not the chosen one."""
        answering: Future[Encoder] = Future()
        answering.set_result(encoder)
        first, self._answering, self._problem = self._answering, answering, problem
        with suppress(InvalidStateError):
            first.set_result(encoder)
        if problem:
            logger.warning("model %s answers instead of %s: %s", encoder.info.name, self._chosen.name, problem)

    def fail(self, error: BaseException) -> None:
        """Ends the wait for a first encoder with this error."""
        with suppress(InvalidStateError):
            self._answering.set_exception(error)

    def stop_waiting(self) -> None:
        """Ends every wait for a model that is still on its way: the app is stopping."""
        self.fail(ModelUnavailable("app_stopping"))

    def status(self) -> ModelStatus:
        """Returns which model answers, without waiting for it."""
        try:
            info = self._answering.result(timeout=0).info
        except NotYet:
            return ModelStatus(self._chosen.name, None, None)
        except LikenessError as error:
            return ModelStatus(self._chosen.name, None, error.message)
        except Exception:
            return ModelStatus(self._chosen.name, None, UNEXPECTED)
        return ModelStatus(self._chosen.name, info, self._problem)


class _KeptModel:
    """Keeps a model that is loaded when needed, and let go when nobody has needed it for a while."""

    def __init__(self, source: ModelSource, release_after: float | None) -> None:
        self.name = source.name
        self._load = source.load
        self._release_after = release_after
        self._loading = threading.Lock()
        self._changes = threading.Lock()
        self._encoder: Encoder | None = None
        # Whoever still works with it keeps it alive: it is not loaded a second time beside that.
        self._alive: Callable[[], Encoder | None] = lambda: None
        self._info: EncoderInfo | None = None
        self._error: LikenessError | None = None
        self._is_preparing = False
        self._idle_until = 0.0
        self._timer: threading.Timer | None = None

    def get(self) -> Encoder:
        with self._loading:
            encoder = self._alive() or self._loaded()
            with self._changes:
                self._encoder, self._alive, self._info = encoder, weakref.ref(encoder), encoder.info
                self._error = None
                self._hold()
            return encoder

    def prepare(self) -> bool:
        with self._changes:
            if self._alive():
                return True
            error, self._error = self._error, None
            if error:
                raise error
            if not self._is_preparing:
                self._is_preparing = True
                background.begin(self._prepare, "model")
        return False

    def offered(self, answering: EncoderInfo | None) -> OfferedModel:
        encoder = self._alive()
        state: Literal["away", "loading", "in memory"] = (
            "in memory" if encoder else "loading" if self._loading.locked() else "away"
        )
        answers = self._info is not None and self._info == answering
        return OfferedModel(
            display_name(self.name), state, answers, self._info, self._error.message if self._error else None
        )

    def _loaded(self) -> Encoder:
        try:
            return self._load()
        except LikenessError as error:
            self._error = error
            raise

    def _prepare(self) -> None:
        try:
            self.get()
        except LikenessError as error:
            logger.warning("model %s: %s", self.name, error)
        except Exception:
            self._error = LikenessError("unexpected")
            logger.exception("model %s cannot be loaded", self.name)
        finally:
            self._is_preparing = False

    def _hold(self) -> None:
        if self._release_after is None:
            return
        self._idle_until = time.monotonic() + self._release_after
        if self._timer is None:
            self._watch(self._release_after)

    def _watch(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._on_timer)
        self._timer.daemon = True
        self._timer.start()

    def _on_timer(self) -> None:
        with self._changes:
            left = self._idle_until - time.monotonic()
            if left > 0:
                self._watch(left)
                return
            self._timer = self._encoder = None
        gc.unfreeze()  # one of those that a start has left out of the collection
        gc.collect()  # towers refer to themselves
        if self._alive() is None:
            logger.info("model %s was let go", self.name)


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
