"""Tells what the check of the library shows, and who may begin it and have things repaired."""

import time
from collections.abc import Callable

from library.doctor.job import DoctorJob
from library.errors import InvalidSelection
from library.image_library import ImageLibrary
from library.ingest.runs import Worker
from library.permissions import Edits, require
from ui.controls import Controls
from ui.guarded import guarded
from ui.lanes import CHANGING, WATCHING
from ui.sentences import told
from ui.views import Json, error_view


class DoctorHandlers:
    """Answers the check of the library, which only those see who may change everything."""

    def __init__(self, library: ImageLibrary, worker: Worker, edits: Edits) -> None:
        self._library = library
        self._runner = worker.doctor
        self._edits = edits

    def view(self) -> Json:
        """Returns how far a check is, and what the last one that was not stopped found, and when."""
        return self._told(lambda: None)

    def check(self) -> Json:
        """Begins a check, or follows the one under way."""
        return self._told(lambda: self._runner.start(DoctorJob(self._library)))

    def repair(self) -> Json:
        """Repairs what the last check has found, and checks again."""

        def repair() -> None:
            if self._runner.result is None:
                raise InvalidSelection("nothing_checked")
            self._runner.start(DoctorJob(self._library, self._runner.result))

        return self._told(repair)

    def stop(self) -> Json:
        return self._told(self._runner.stop)

    def _told(self, change: Callable[[], object]) -> Json:
        def changed() -> Json:
            require(self._edits, "all")
            change()
            return {}

        failure = guarded(changed, error_view)
        job = self._runner.latest
        done = self._runner.last_done
        report = done.result if done and self._edits == "all" else None
        return {
            "at": time.monotonic(),
            "state": job.state if job else "none",
            "running": bool(job and not job.over.is_set()),
            "repairing": bool(job and job.name == "repair"),
            "done": job.done if job else 0,
            "total": job.total if job else 0,
            "stopping": bool(job and job.is_stopping),
            "may": self._edits == "all",
            "report": report.as_json() | {"repairable": report.repairable} if report else None,
            "reported": done.ended if done and report else None,
            "problem": failure.get("detail") or (told(job.problem) if job else None),
        }


def wire_doctor(handlers: DoctorHandlers, page: Controls) -> None:
    """Connects the check of the library with its handlers."""
    view = page.reports.doctor
    view.asked(handlers.view, None, view, **WATCHING)
    view.begin(handlers.check, None, view, **CHANGING)
    view.repair(handlers.repair, None, view, **CHANGING)
    view.halt(handlers.stop, None, view, **CHANGING)
