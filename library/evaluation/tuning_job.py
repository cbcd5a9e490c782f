"""The meter in the background."""

from library.evaluation.tuning import Tuning, Wish
from library.image_library import ImageLibrary
from library.jobs import Background, Job


class Meter:
    def __init__(self, library: ImageLibrary) -> None:
        self._library = library
        self._background = Background("accuracy meter")
        self._result: Tuning | None = None

    @property
    def latest(self) -> Job | None:
        return self._background.latest

    @property
    def result(self) -> Tuning | None:
        """Of the last measurement that came to its end."""
        return self._result

    def start(self, wish: Wish) -> Job:
        """Begins, or returns the one under way."""
        return self._background.start(lambda job: self._measure(job, wish))

    def stop(self) -> None:
        self._background.stop()

    def close(self, timeout: float) -> None:
        self._background.close(timeout)

    def _measure(self, job: Job, wish: Wish) -> bool:
        tuning = self._library.tune(wish, job.tell, job.stop.is_set)
        self._result = tuning or self._result
        return tuning is not None
