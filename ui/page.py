"""Lays out the page."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.i18n import I18nData as Words
from gradio.utils import get_upload_folder

from library.backup.backup_place import NewBackup
from library.decoding.formats import IMAGE_SUFFIXES
from library.evaluation.evaluate import Evaluations
from library.image_library import ImageLibrary
from library.images import SYSTEM_FOLDERS
from library.ingest.runs import Worker
from library.permissions import Edits, Sources
from library.search.fields import Fields
from library.search.query import DEFAULT_LIMIT, MAX_LIMIT
from ui.api import add_public_api
from ui.backup_api import add_backup_api
from ui.controls import Controls, Parameters, Reports
from ui.guards.gradio_inputs import CheckedBlocks
from ui.guards.visitor_access import answer_by_visitor
from ui.handlers.demo import VisitorsDesk
from ui.handlers.page import PageHandlers
from ui.handlers.search import AUTOMATIC, EXACT, MANUAL
from ui.handlers.status import FEWEST_CLUSTERS, SOON
from ui.lanes import MOST_WAITING
from ui.launch import launch_options
from ui.mcp import add_tools
from ui.queueing import watch_queue
from ui.scripts import Scripts
from ui.sentences import for_page
from ui.sessions import share_descriptions
from ui.spared_work import spare_calls, spare_routes
from ui.trash_api import add_trash_api
from ui.uploaded_files import MAX_FILE_MEGABYTES
from ui.views import View, fields_view
from ui.why_api import add_why_api

__all__ = ["build_page", "launch_options"]

Drawn = Callable[..., gr.HTML]

RESULTS_EVENTS = ("visit", "again", "turn", "samples", "remove", "discard")
QUEUE_SECONDS = 0.01  # Gradio's own millisecond keeps a core 5 % busy while nobody is there
RUN_SECONDS = 1
KEEP_UPLOADS = (3_600, 86_400)  # look every hour, delete what is a day old


def build_page(
    library: ImageLibrary,
    worker: Worker,
    edits: Edits,
    mcp: bool = False,
    sources: Sources | None = None,
    evaluations: Evaluations | None = None,
    new_backup: NewBackup | None = None,
    desk: VisitorsDesk | None = None,
    most_waiting: int = MOST_WAITING,
) -> gr.Blocks:
    """Builds the page, the public API and, where it is wanted, the tools for agents; with a desk, those of the demo."""
    handlers = PageHandlers.build(library, worker, edits, Path(get_upload_folder()), sources, evaluations, desk)
    page: gr.Blocks
    keep_uploads = desk.keep_uploads if desk else KEEP_UPLOADS
    with spare_routes(), CheckedBlocks(title="Likeness", fill_width=True, delete_cache=keep_uploads) as page:
        add_public_api(library, handlers)  # first, so that no handler of the page takes one of its names
        add_why_api(library, handlers.uploaded)
        add_trash_api(library, edits)
        if new_backup:
            add_backup_api(library, edits, new_backup)
        if mcp:
            add_tools(page, library)
        handlers.wire(page, _layout(partial(_drawn, Scripts()), edits, sources, library.trash.days))
    if desk:
        answer_by_visitor(page, desk.spaces)
    page._queue.sleep_when_free = QUEUE_SECONDS
    page._queue.progress_update_sleep_when_free = RUN_SECONDS  # nothing here has progress of Gradio's kind
    share_descriptions(page)
    spare_calls(page)
    watch_queue(page, most_waiting, library.monitor)
    return page


def _layout(drawn: Drawn, edits: Edits, sources: Sources | None, trash_days: int) -> Controls:
    view, run_id = gr.State(View()), gr.State(None)
    status_timer, run_timer = gr.Timer(SOON), gr.Timer(RUN_SECONDS, active=False)
    header = drawn("header", elem_id="header")
    reports, past_runs = _library_menu(drawn, edits, trash_days)
    banner = drawn("fallback", "begin", "halt", elem_id="fallback")
    box = _search_box(edits)
    drawn("box_notice", elem_id="box-notice", visible=edits == "own")
    with gr.Row(elem_id="main"):
        with gr.Column(elem_id="side", scale=0, min_width=300):
            params, models, filters = _parameters(drawn)
            demo, uploads = _uploads(drawn, edits, sources)
        with gr.Column(elem_id="right", scale=1, min_width=280):
            run = drawn("run", "halt", elem_id="run", edits=edits)
            changes: dict[str, Any] = {"edits": edits, "trash_days": trash_days}
            results = drawn("results", *RESULTS_EVENTS, elem_id="results", value={"state": "starting"}, **changes)
    return Controls(
        view=view,
        run_id=run_id,
        header=header,
        banner=banner,
        box=box,
        params=params,
        models=models,
        filters=filters,
        reports=reports,
        demo=demo,
        uploads=uploads,
        past_runs=past_runs,
        run=run,
        results=results,
        notice=drawn("notice", "undo", elem_id="notice"),
        status_timer=status_timer,
        run_timer=run_timer,
    )


def _drawn(scripts: Scripts, component: str, *events: str, elem_id: str, **options: Any) -> gr.HTML:
    """Returns a component that its script draws with textContent: no value is read as HTML or as a template."""
    drawn = gr.HTML(
        html_template="<div class='drawn'></div>",
        js_on_load=scripts.mount(component, events),
        elem_id=elem_id,
        apply_default_css=False,
        **options,
    )
    drawn.__dict__["postprocess"] = for_page  # for a class of its own Gradio would write a stub beside this file
    return drawn


def _search_box(edits: Edits) -> gr.MultimodalTextbox:
    return gr.MultimodalTextbox(
        elem_id="query",
        label=Words("form.search"),
        show_label=False,
        container=False,
        placeholder=str(Words("form.placeholder")),
        file_count="single" if edits == "none" else "multiple",
        sources=["upload"],
        submit_btn="Search",
        lines=1,
        max_lines=3,
        max_plain_text_length=100_000,
        html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=False, enterkeyhint="search"),
    )


def _library_menu(drawn: Drawn, edits: Edits, trash_days: int) -> tuple[Reports, gr.HTML]:
    deleting = partial(drawn, trash_days=trash_days)
    keeping = partial(drawn, visible=edits == "all")
    with gr.Column(elem_id="library"):
        return Reports(
            models=deleting("models", "asked", "begin", "halt", "dropped", elem_id="models"),
            tuning=drawn("tuning", "asked", "begin", "halt", "choose", elem_id="tuning"),
            evaluation=drawn("evaluation", "asked", elem_id="evaluation"),
            duplicates=deleting("duplicates", "asked", "begin", "halt", "decide", elem_id="duplicates"),
            doctor=keeping("doctor", "asked", "begin", "repair", "halt", elem_id="doctor"),
            trash=keeping("trash", "asked", "restore", "discard", elem_id="trash"),
        ), drawn("past_runs", "asked", elem_id="past-runs", visible=edits in ("all", "add"))


def _parameters(drawn: Drawn) -> tuple[Parameters, gr.HTML, gr.HTML]:
    with gr.Accordion(Words("form.settings"), open=True, elem_id="settings"):
        limit = gr.Slider(1, MAX_LIMIT, DEFAULT_LIMIT, step=1, label=Words("form.limit"), elem_id="limit", buttons=[])
        accuracy = gr.Radio(
            [(Words("form.automatic"), AUTOMATIC), (Words("form.manual"), MANUAL), (Words("form.exact"), EXACT)],
            value=AUTOMATIC,
            label=Words("form.accuracy"),
            info=Words("form.accuracy_info"),
            elem_id="accuracy",
        )
        nprobe = gr.Slider(
            1,
            FEWEST_CLUSTERS,
            16,
            step=1,
            label="nprobe",
            info=Words("form.nprobe_info"),
            elem_id="nprobe",
            buttons=[],
        )
        min_score = gr.Slider(0, 1, 0, step=0.01, label=Words("form.min_score"), elem_id="minscore", buttons=[])
        filters = drawn("filters", "applied", "asked", elem_id="filters", value=fields_view(Fields().all()))
        models = drawn("model_pickers", "chosen", elem_id="model-pickers")
    return (limit, accuracy, nprobe, min_score), models, filters


def _uploads(drawn: Drawn, edits: Edits, sources: Sources | None) -> tuple[gr.HTML, gr.HTML]:
    with gr.Accordion(Words("form.add"), open=True, elem_id="add", visible=edits != "none"):
        demo = drawn("demo", "asked", "reset", elem_id="demo", visible=edits == "own")
        uploads = drawn(
            "uploads",
            "arrived",
            "named",
            elem_id="uploads",
            suffixes=sorted(IMAGE_SUFFIXES),
            system_folders=sorted(SYSTEM_FOLDERS),
            max_bytes=MAX_FILE_MEGABYTES * 1024 * 1024,
            max_megabytes=MAX_FILE_MEGABYTES,
            archives=list(sources.archive_suffixes) if sources else [],
            tables=list(sources.table_suffixes) if sources else [],
            sidecars=list(sources.sidecar_suffixes) if sources else [],
            prefixes=list(sources.prefixes) if sources and edits == "all" else [],
        )
        return demo, uploads
