"""Checks the library as a job in the background, and repairs it as another."""

from library.doctor.findings import Report
from library.image_library import ImageLibrary
from library.jobs import Job


class DoctorJob(Job[Report]):
    """Checks the library; with a report of an earlier check, repairs what that found and checks again."""

    def __init__(self, library: ImageLibrary, report: Report | None = None) -> None:
        super().__init__("repair" if report else "check of the library")
        self._library = library
        self._report = report

    def work(self) -> Report | None:
        doctor = self._library.doctor
        if self._report is None:
            return doctor.examine(self.on_progress, self.stop.is_set)
        return doctor.repaired(self._report, self.on_progress, self.stop.is_set)
