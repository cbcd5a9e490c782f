"""Tells what the tuning and the table of evaluations show, and who may begin a measurement."""

import time
from collections.abc import Callable
from typing import Any

import gradio as gr

from library import validation
from library.errors import InvalidEvaluation
from library.evaluation.evaluate import Evaluations
from library.evaluation.tuning import PICTURE, TEXT, Tuning, TuningConfig
from library.evaluation.tuning_job import TuningJob
from library.image_library import ImageLibrary
from library.images import parse_content_id
from library.jobs import JobRunner
from library.permissions import Edits, require
from ui.controls import Controls
from ui.guarded import guarded
from ui.lanes import WATCHING
from ui.sentences import told
from ui.views import Json, error_view

EVALUATIONS_SHOWN = 30


class MeasuringHandlers:
    """Answers the view of accuracy: the tuning of nprobe, and the table of past evaluations."""

    def __init__(
        self, library: ImageLibrary, jobs: JobRunner[Tuning], edits: Edits, evaluations: Evaluations | None = None
    ) -> None:
        self._library = library
        self._jobs = jobs
        self._edits = edits
        self._evaluations = evaluations

    def tuning(self) -> Json:
        """Returns how far a measurement is, and what the last one found."""
        work, result = self._jobs.latest, self._jobs.result
        index = self._library.status().index
        return {
            "at": time.monotonic(),  # every answer is drawn, since each is another one
            "state": work.state if work else "none",
            "done": work.done if work else 0,
            "total": work.total if work else 0,
            "stopping": bool(work and work.is_stopping),
            "problem": told(work.problem) if work else None,
            "may": self._edits == "all",
            "chosen": index.nprobe if index and index.nprobe_is_chosen else None,
            "outdated": index.outdated_choice if index else None,
            "result": tuning_view(result) if result else None,
        }

    def measure(self) -> Json:
        return self._changing(lambda: self._jobs.start(TuningJob(self._library, TuningConfig())))

    def stop(self) -> Json:
        return self._changing(self._jobs.stop)

    def choose(self, data: Any) -> Json:
        """Keeps the suggestion of the last measurement, and no other number; or takes the choice back."""

        def change() -> None:
            if validation.mapping(data).get("suggested") is not True:
                self._library.tuner.choose_nprobe(None)
                return
            result = self._jobs.result
            if result is None or result.suggested is None:
                raise InvalidEvaluation("not_measured")
            self._library.tuner.choose_nprobe(result.suggested.nprobe)

        return self._changing(change)

    def evaluations(self, data: Any) -> Json:
        """Returns the list of the stored evaluations, and the one that is named, or else the newest."""
        kept = self._evaluations.newest(EVALUATIONS_SHOWN) if self._evaluations else []
        wanted = validation.text(validation.mapping(data).get("at"))
        shown = next((each for each in kept if each.get("at") == wanted), kept[0] if kept else None)
        return {
            "at": time.monotonic(),
            "kept": [_titled(each) for each in kept],
            "shown": {**shown, "icons": self._visible(shown.get("icons", {}))} if shown else None,
        }

    def _visible(self, icons: Json) -> Json:
        """Returns the thumbnails that a visitor may see: without all rights, only those of pictures in the library."""
        if self._edits == "all":
            return icons
        stored = self._library.pictures.stored([parse_content_id(id) for id in icons])
        return {id: icon for id, icon in icons.items() if id in stored}

    def _changing(self, change: Callable[[], object]) -> Json:
        def allowed() -> None:
            require(self._edits, "all")
            change()

        failure = guarded(allowed, error_view)
        return self.tuning() | ({"state": "failed", "problem": failure["detail"]} if failure else {})


def tuning_view(found: Tuning) -> Json:
    """Returns what a measurement of nprobe has found, as the page draws it."""
    step = found.suggested
    return {
        "rows": found.rows,
        "nlist": found.nlist,
        "backend": found.backend,
        "k": found.k,
        "target": found.target,
        "texts": found.queries[TEXT],
        "pictures": found.queries[PICTURE],
        "texts_from": dict(found.texts_from),
        "present": found.present,
        "suggested": step.nprobe if step else None,
        "exact": {"text": found.exact[TEXT], "picture": found.exact[PICTURE]},
        "steps": [
            {
                "nprobe": each.nprobe,
                "recall": {"text": each.recall[TEXT], "picture": each.recall[PICTURE]},
                "milliseconds": {"text": each.milliseconds[TEXT], "picture": each.milliseconds[PICTURE]},
            }
            for each in found.steps
        ],
    }


def _titled(evaluation: Json) -> Json:
    models = [str(model.get("model", "")) for model in evaluation.get("models", [])]
    return {"at": evaluation.get("at", ""), "source": evaluation.get("source", ""), "models": models}


def wire_measuring(handlers: MeasuringHandlers, page: Controls) -> None:
    """Connects the events of tuning and evaluations with their handlers."""

    def choose(event: gr.EventData) -> Json:
        return handlers.choose(event._data)

    def show(event: gr.EventData) -> Json:
        return handlers.evaluations(event._data)

    tuning, evaluation = page.reports.tuning, page.reports.evaluation
    tuning.asked(handlers.tuning, None, tuning, **WATCHING)
    tuning.begin(handlers.measure, None, tuning, **WATCHING)
    tuning.halt(handlers.stop, None, tuning, **WATCHING)
    tuning.choose(choose, None, tuning, **WATCHING)
    evaluation.asked(show, None, evaluation, **WATCHING)
