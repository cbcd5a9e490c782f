"""Gathers all handlers of the page, by topic."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import gradio as gr

from library.evaluation.evaluate import Evaluations
from library.image_library import ImageLibrary
from library.ingest.runs import Worker
from library.permissions import Edits, Sources
from library.visitors.effort import FILES_A_PICTURE
from ui.controls import Controls
from ui.handlers.demo import DemoHandlers, VisitorsDesk, wire_demo
from ui.handlers.doctor import DoctorHandlers, wire_doctor
from ui.handlers.duplicates import DuplicateHandlers, wire_duplicates
from ui.handlers.evaluation import MeasuringHandlers, wire_measuring
from ui.handlers.models import ModelHandlers, wire_models
from ui.handlers.opening import wire_opening
from ui.handlers.removal import RemovalHandlers, wire_removal
from ui.handlers.search import SearchHandlers, wire_filters, wire_searches
from ui.handlers.status import StatusHandlers, wire_reindexing, wire_status
from ui.handlers.trash import TrashHandlers, wire_trash
from ui.handlers.uploads import MOST_OF_STRANGERS, MOST_UPLOADED, UploadHandlers, wire_uploads
from ui.uploaded_files import UploadedFiles


@dataclass(frozen=True)
class PageHandlers:
    """Holds what each control does: plain values in, plain values out, rights checked where something changes."""

    uploaded: UploadedFiles
    demo: DemoHandlers
    searches: SearchHandlers
    uploads: UploadHandlers
    removal: RemovalHandlers
    status: StatusHandlers
    models: ModelHandlers
    measuring: MeasuringHandlers
    duplicates: DuplicateHandlers
    trash: TrashHandlers
    doctor: DoctorHandlers

    @classmethod
    def build(
        cls,
        library: ImageLibrary,
        worker: Worker,
        edits: Edits,
        uploads: Path,
        sources: Sources | None = None,
        evaluations: Evaluations | None = None,
        desk: VisitorsDesk | None = None,
    ) -> Self:
        """Makes the handlers of one library; `uploads` is the only folder that uploaded files are read from.

        `desk` is that of the demo, whose visitors read only what they have uploaded themselves.
        """
        uploaded = UploadedFiles(uploads, desk.may_read) if desk else UploadedFiles(uploads)
        quota = desk.spaces.rules.quota if desk else 0
        return cls(
            uploaded,
            DemoHandlers(desk),
            SearchHandlers(library, uploaded, desk.own_ids if desk else None),
            UploadHandlers(library, worker, edits, uploaded, sources, _most_files(edits, desk), quota),
            RemovalHandlers(library, edits),
            StatusHandlers(library, worker, edits),
            ModelHandlers(library, worker, edits),
            MeasuringHandlers(library, worker.tuning, edits, evaluations),
            DuplicateHandlers(library, worker.duplicates, edits),
            TrashHandlers(library, edits),
            DoctorHandlers(library, worker, edits),
        )

    def wire(self, blocks: gr.Blocks, page: Controls) -> None:
        """Connects the controls to the handlers; to be called inside the page's Blocks."""
        wire_searches(self.searches, page)
        wire_opening(self.searches, self.uploads, self.demo, blocks, page)
        wire_filters(self.searches, page)
        wire_uploads(self.uploads, page)
        wire_demo(self.demo, page)
        wire_removal(self.removal, page)
        wire_reindexing(self.status, page)
        wire_measuring(self.measuring, page)
        wire_models(self.models, self.searches, page)
        wire_duplicates(self.duplicates, page)
        wire_trash(self.trash, page)
        wire_doctor(self.doctor, page)
        wire_status(self.status, blocks, page)


def _most_files(edits: Edits, desk: VisitorsDesk | None) -> int:
    """Returns how many files an upload may bring: of the demo's visitors, what they may try within an hour."""
    if desk:
        return FILES_A_PICTURE * desk.spaces.rules.quota
    return MOST_UPLOADED if edits == "all" else MOST_OF_STRANGERS
