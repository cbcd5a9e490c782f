"""Measures the accuracy of the index on the library itself, and keeps the accuracy that was chosen."""

from collections.abc import Callable, Collection

from library.evaluation.tuning import OnProgress, Tuning, TuningConfig, check_enough, measure
from library.evaluation.tuning_queries import queries_of
from library.models import Models
from library.ports import ImageStore, VectorDatabase


class Tuner:
    """Measures what each nprobe finds, and stores the one to search with.

    Both methods raise ModelUnavailable, StoreUnavailable or IndexUnavailable.
    """

    def __init__(
        self, store: ImageStore, models: Models, database: VectorDatabase, recent_texts: Collection[str]
    ) -> None:
        """Keeps `recent_texts`, which grows as people search: their own texts are the best ones to measure with."""
        self._store = store
        self._models = models
        self._database = database
        self._recent_texts = recent_texts

    def measure(
        self,
        config: TuningConfig,
        on_progress: OnProgress = lambda *_: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Tuning | None:
        """Compares the index with exact search; see `tuning.measure`. None when it was stopped.

        Raises InvalidEvaluation.
        """
        encoder = self._models.answering()
        collection = self._database.collection(encoder.info)
        with collection.loaded() as index:
            rows = index.count()
            check_enough(rows, config)
            queries, texts_from = queries_of(self._store, index, encoder, config, list(self._recent_texts))
            return measure(index, collection.status(), rows, queries, texts_from, config, on_progress, should_stop)

    def choose_nprobe(self, nprobe: int | None) -> None:
        """Sets how many clusters *Automatic* searches from now on; None leaves it to the library again."""
        self._database.collection(self._models.answering().info).choose_nprobe(nprobe)
