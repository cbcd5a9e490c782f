"""The meter in the background."""

from library.evaluation.tuning import Tuning, TuningConfig
from library.image_library import ImageLibrary
from library.jobs import Job, JobRunner


class TuningJob:
    def __init__(self, library: ImageLibrary) -> None:
        self._library = library
        self._runner = JobRunner("accuracy meter")
        self._result: Tuning | None = None

    @property
    def latest(self) -> Job | None:
        return self._runner.latest

    @property
    def result(self) -> Tuning | None:
        """Of the last measurement that came to its end."""
        return self._result

    def start(self, config: TuningConfig) -> Job:
        """Begins, or returns the one under way."""
        return self._runner.start(lambda job: self._measure(job, config))

    def stop(self) -> None:
        self._runner.stop()

    def close(self, timeout: float) -> None:
        self._runner.close(timeout)

    def _measure(self, job: Job, config: TuningConfig) -> bool:
        tuning = self._library.tune(config, job.on_progress, job.stop.is_set)
        self._result = tuning or self._result
        return tuning is not None
