"""Measures the index's accuracy as a job in the background."""

from library.evaluation.tuning import Tuning, TuningConfig
from library.image_library import ImageLibrary
from library.jobs import Job


class TuningJob(Job[Tuning]):
    """Compares the index with exact search."""

    def __init__(self, library: ImageLibrary, config: TuningConfig) -> None:
        super().__init__("tuning")
        self._library = library
        self._config = config

    def work(self) -> Tuning | None:
        return self._library.tuner.measure(self._config, self.on_progress, self.stop.is_set)
