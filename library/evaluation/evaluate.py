"""Evaluates how well encoders find labelled pictures by texts and by pictures, exactly and through the index."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from library.errors import InvalidEvaluation
from library.evaluation.config import EvaluationConfig
from library.evaluation.labels import OnProgress, gather
from library.evaluation.metrics import Json
from library.evaluation.model_figures import ModelFigures, NewDatabase
from library.evaluation.report import report
from library.evaluation.tasks import tasks_for
from library.ingest.items import Item
from library.ports import Encoder


class Evaluations(Protocol):
    """Keeps what was evaluated so far."""

    def add(self, evaluation: Json) -> str:
        """Stores an evaluation and returns where it is kept. Raises StoreUnavailable."""
        ...

    def newest(self, limit: int) -> list[Json]:
        """Returns all evaluations, the newest first. Never raises."""
        ...


def evaluate(
    items: Iterable[Item],
    config: EvaluationConfig,
    encoders: Sequence[Encoder],
    new_database: NewDatabase,
    source: str = "",
    on_progress: OnProgress = lambda *_: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Json | None:
    """Returns all figures, as JSON can hold them, or None when it was stopped. The library is neither read nor changed.

    The pictures go into a collection that `new_database` makes, of the index that the library would have for them.
    Raises InvalidEvaluation, before anything is encoded where the items are a list.
    """
    check(items, config)
    gathered = gather(items, config.labelling, encoders, on_progress, should_stop)
    if should_stop():
        return None
    pictures = gathered.pictures
    _check([picture.label for picture in pictures], [picture.caption for picture in pictures], config)
    tasks = tasks_for(pictures, config)
    models = []
    for encoder, vectors in zip(encoders, gathered.vectors, strict=True):
        on_progress(f"Measuring {encoder.info.name}", 0, None)
        models.append(ModelFigures(encoder, vectors, pictures, tasks, config, new_database))
        if should_stop():
            return None
    return report(models, gathered, config, source)


def check(items: Iterable[Item], config: EvaluationConfig) -> None:
    """Checks what can be told before a model is loaded or a picture is read. Raises InvalidEvaluation."""
    if isinstance(items, Sequence):
        wanted, labelling = [item for item in items if not item.skip], config.labelling
        labelling.check(wanted)
        _check([labelling.label(item) for item in wanted], [labelling.caption(item) for item in wanted], config)


def _check(labels: Sequence[str], captions: Sequence[str], config: EvaluationConfig) -> None:
    """Checks the pictures and labels of an evaluation. Raises InvalidEvaluation."""
    classes = Counter(filter(None, labels))
    count = sum(bool(label or caption) for label, caption in zip(labels, captions, strict=True))
    labelling = config.labelling
    if not labels:
        raise InvalidEvaluation("nothing_to_evaluate")
    if not count:
        raise InvalidEvaluation("no_labels")
    if (labelling.column or labelling.from_folders) and len(classes) < 2:
        if not classes:
            raise InvalidEvaluation("no_class")
        raise InvalidEvaluation("one_class", name=next(iter(classes)))
    if (k := max(config.cutoffs)) >= count:
        raise InvalidEvaluation("too_few_to_evaluate", k=str(k), pictures=count)
