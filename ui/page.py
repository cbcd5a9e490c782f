"""The page: layout, and which control calls which handler."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gradio as gr
from gradio.i18n import I18nData as Words
from gradio.utils import get_upload_folder

from library.evaluation.evaluate import Evaluations
from library.image_library import ImageLibrary
from library.images import IMAGE_SUFFIXES
from library.ingest.runs import Worker
from library.permissions import Edits, Sources
from library.search.fields import Fields
from library.search.query import MAX_LIMIT
from ui.api import add_public_api
from ui.handlers.duplicates import DuplicateHandlers, wire_duplicates
from ui.handlers.evaluation import MeasuringHandlers, wire_measuring
from ui.handlers.library import AUTOMATIC, EXACT, MANUAL, Handlers
from ui.handlers.models import ModelHandlers, wire_models
from ui.mcp import add_tools
from ui.scripts import Scripts
from ui.theme import MAX_FILE_MEGABYTES, launch_options
from ui.views import Json, View, fields_view

__all__ = ["build_page", "launch_options"]

Drawn = Callable[..., gr.HTML]
Parameters = tuple[gr.Slider, gr.Radio, gr.Slider, gr.Slider]  # limit, accuracy, nprobe, minimum score

ASKED_OF_RESULTS = ("visit", "again", "turn", "samples", "remove", "discard")
QUEUE_SECONDS = 0.01  # Gradio's own millisecond keeps a core 5 % busy while nobody is there
STATUS_SECONDS = 2
RUN_SECONDS = 1
FEWEST_CLUSTERS = 128  # until the status tells how many the index has
KEEP_UPLOADS = (3_600, 86_400)  # look every hour, delete what is a day old
HIDDEN: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
# Searches have their own lane, so that a slow one never holds up the status or an upload.
SEARCHING: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "minimal",
    "concurrency_id": "search",
    "concurrency_limit": 4,
    "trigger_mode": "always_last",
}
CHANGING: dict[str, Any] = {
    **HIDDEN,
    "concurrency_id": "change",
    "concurrency_limit": 4,
    "trigger_mode": "multiple",
}
WATCHING: dict[str, Any] = {**HIDDEN, "concurrency_id": "status", "concurrency_limit": None}


def build_page(
    library: ImageLibrary,
    worker: Worker,
    edits: Edits,
    mcp: bool = False,
    sources: Sources | None = None,
    evaluations: Evaluations | None = None,
) -> gr.Blocks:
    handlers = Handlers(library, worker, edits, Path(get_upload_folder()), sources)
    page: gr.Blocks
    with gr.Blocks(title="Likeness", fill_width=True, delete_cache=KEEP_UPLOADS) as page:
        add_public_api(library, handlers)  # first, so that no handler of the page takes one of its names
        if mcp:
            add_tools(page, library)
        view = gr.State(View())
        run_id = gr.State(None)
        status_timer = gr.Timer(STATUS_SECONDS)
        run_timer = gr.Timer(RUN_SECONDS, active=False)
        drawn = partial(_drawn, Scripts())
        header = drawn("header", elem_id="header")
        banner = drawn("fallback", "begin", "halt", elem_id="standin")
        box = _search_box()
        with gr.Row(elem_id="main"):
            with gr.Column(elem_id="side", scale=0, min_width=300):
                params, filters, models, meter, evaluation, duplicates = _parameters(drawn)
                uploads, past_runs = _uploads(drawn, edits, sources)
            with gr.Column(elem_id="right", scale=1, min_width=280):
                run = drawn("run", "halt", elem_id="run", edits=edits)
                results = drawn(
                    "results", *ASKED_OF_RESULTS, elem_id="results", value={"state": "starting"}, edits=edits
                )
        notice = drawn("notice", elem_id="notice")

        _wire_searches(handlers, box, params, results, view)
        _wire_opening(handlers, page, box, params, results, view)
        _wire_filters(handlers, filters, params, results, view)
        _wire_changes(handlers, results, uploads, run, run_id, run_timer, notice)
        past_runs.asked(handlers.past_runs, None, past_runs, **WATCHING)
        _wire_reindexing(handlers, banner, header, notice)
        wire_measuring(MeasuringHandlers(library, worker.tuning, edits, evaluations), meter, evaluation, **WATCHING)
        models_of = ModelHandlers(library, worker, edits)
        wire_models(models_of, handlers, models, params, results, view, SEARCHING, WATCHING)
        wire_duplicates(DuplicateHandlers(library, worker.duplicates, edits), duplicates, WATCHING, CHANGING)
        _wire_watching(handlers, page, header, params, results, status_timer, run, run_id, run_timer)
    page._queue.sleep_when_free = QUEUE_SECONDS
    page._queue.max_size = None  # on ZeroGPU it would be one, and the page alone asks for more than that at once
    return page


def _drawn(scripts: Scripts, component: str, *events: str, elem_id: str, **options: Any) -> gr.HTML:
    """Returns a component that its script draws with textContent: no value is read as HTML or as a template."""
    return gr.HTML(
        html_template="<div class='drawn'></div>",
        js_on_load=scripts.mount(component, events),
        elem_id=elem_id,
        apply_default_css=False,
        **options,
    )


def _search_box() -> gr.MultimodalTextbox:
    return gr.MultimodalTextbox(
        elem_id="query",
        label=Words("form.search"),
        show_label=False,
        container=False,
        placeholder=str(Words("form.placeholder")),
        file_count="multiple",
        sources=["upload"],
        submit_btn="Search",
        lines=1,
        max_lines=3,
        max_plain_text_length=100_000,
        html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=False, enterkeyhint="search"),
    )


def _parameters(drawn: Drawn) -> tuple[Parameters, gr.HTML, gr.HTML, gr.HTML, gr.HTML, gr.HTML]:
    with gr.Accordion(Words("form.settings"), open=True, elem_id="settings"):
        limit = gr.Slider(1, MAX_LIMIT, 24, step=1, label=Words("form.limit"), elem_id="limit", buttons=[])
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
        meter = drawn("tuning", "asked", "begin", "halt", "choose", elem_id="meter")
        evaluation = drawn("evaluation", "asked", elem_id="evaluation")
        min_score = gr.Slider(0, 1, 0, step=0.01, label=Words("form.min_score"), elem_id="minscore", buttons=[])
        filters = drawn("filters", "applied", "asked", elem_id="filters", value=fields_view(Fields().all()))
        models = drawn("models", "asked", "begin", "halt", "chosen", "dropped", elem_id="models")
        duplicates = drawn("duplicates", "asked", "begin", "halt", "decide", elem_id="duplicates")
    return (limit, accuracy, nprobe, min_score), filters, models, meter, evaluation, duplicates


def _uploads(drawn: Drawn, edits: Edits, sources: Sources | None) -> tuple[gr.HTML, gr.HTML]:
    with gr.Accordion(Words("form.add"), open=True, elem_id="add", visible=edits != "none"):
        uploads = drawn(
            "uploads",
            "arrived",
            "named",
            elem_id="uploads",
            suffixes=sorted(IMAGE_SUFFIXES),
            max_bytes=MAX_FILE_MEGABYTES * 1024 * 1024,
            max_megabytes=MAX_FILE_MEGABYTES,
            archives=list(sources.archive_suffixes) if sources else [],
            tables=list(sources.table_suffixes) if sources else [],
            prefixes=list(sources.prefixes) if sources and edits == "all" else [],
        )
        return uploads, drawn("past_runs", "asked", elem_id="past-runs")


def _wire_searches(
    handlers: Handlers,
    box: gr.MultimodalTextbox,
    params: Parameters,
    results: gr.HTML,
    view: gr.State,
) -> None:
    def search(box: Any, view: View, limit: Any, accuracy: Any, nprobe: Any, min_score: Any) -> tuple[Json, View]:
        asked = handlers.asked(box, view)
        return handlers.show(asked, limit, accuracy, nprobe, min_score), asked

    def refill(event: gr.EventData) -> Any:
        text = handlers.box_text(event._data)
        return gr.skip() if text is None else {"text": text, "files": []}

    def visit(limit: Any, accuracy: Any, nprobe: Any, min_score: Any, event: gr.EventData) -> tuple[Json, View]:
        return handlers.visit(event._data, limit, accuracy, nprobe, min_score)

    def retune(view: View, limit: Any, accuracy: Any, nprobe: Any, min_score: Any) -> tuple[Any, Any]:
        first = view.at(0)
        if view.is_browsing:
            return gr.skip(), gr.skip()
        return handlers.show(first, limit, accuracy, nprobe, min_score), first

    def turn(
        view: View, limit: Any, accuracy: Any, nprobe: Any, min_score: Any, event: gr.EventData
    ) -> tuple[Json, View]:
        turned = view.at(handlers.offset(event._data))
        return handlers.show(turned, limit, accuracy, nprobe, min_score), turned

    box.submit(search, [box, view, *params], [results, view], **SEARCHING)
    # On its own, since a search takes its time: it must not wipe what is typed meanwhile.
    results.visit(refill, None, box, **WATCHING)
    results.visit(visit, [*params], [results, view], **SEARCHING)
    results.again(handlers.show, [view, *params], results, **SEARCHING)
    results.turn(turn, [view, *params], [results, view], **SEARCHING)
    limit, accuracy, nprobe, min_score = params
    for slider in (limit, nprobe, min_score):
        slider.release(retune, [view, *params], [results, view], **SEARCHING)
    accuracy.input(retune, [view, *params], [results, view], **SEARCHING)


def _wire_filters(handlers: Handlers, filters: gr.HTML, params: Parameters, results: gr.HTML, view: gr.State) -> None:
    def apply(
        view: View, limit: Any, accuracy: Any, nprobe: Any, min_score: Any, event: gr.EventData
    ) -> tuple[Json, View]:
        return handlers.filtered(view, event._data, limit, accuracy, nprobe, min_score)

    filters.applied(apply, [view, *params], [results, view], **SEARCHING)
    filters.asked(handlers.fields, None, filters, **WATCHING)


def _wire_opening(
    handlers: Handlers,
    page: gr.Blocks,
    box: gr.MultimodalTextbox,
    params: Parameters,
    results: gr.HTML,
    view: gr.State,
) -> None:
    def fill(request: gr.Request) -> Any:
        # Writing to the box without need would wipe what a fast visitor has typed already.
        text = handlers.box_text(_address(request))
        return {"text": text, "files": []} if text else gr.skip()

    def show(limit: Any, accuracy: Any, nprobe: Any, min_score: Any, request: gr.Request) -> tuple[Json, View]:
        return handlers.visit(_address(request), limit, accuracy, nprobe, min_score)

    page.load(fill, None, box, **WATCHING)
    page.load(show, [*params], [results, view], **SEARCHING)


def _address(request: gr.Request) -> Json:
    params = request.query_params
    return {"address": urlencode(list(getattr(params, "multi_items", params.items)()))}


def _wire_changes(
    handlers: Handlers,
    results: gr.HTML,
    uploads: gr.HTML,
    run: gr.HTML,
    run_id: gr.State,
    run_timer: gr.Timer,
    notice: gr.HTML,
) -> None:
    followed = [run, run_id, run_timer]

    def add(event: gr.EventData) -> tuple[Any, ...]:
        return _followed(handlers.add(event._data))

    def add_samples() -> tuple[Any, ...]:
        return _followed(handlers.add_samples())

    def stop(run_id: str | None) -> tuple[Any, ...]:
        return _followed(handlers.stop(run_id))

    def remove(event: gr.EventData) -> Json:
        return handlers.remove(event._data)

    def remove_all(event: gr.EventData) -> Json:
        return handlers.remove_all(event._data)

    def add_from_server(event: gr.EventData) -> tuple[Any, ...]:
        return _followed(handlers.add_from_server(event._data))

    uploads.arrived(add, None, followed, **CHANGING)
    uploads.named(add_from_server, None, followed, **CHANGING)
    results.samples(add_samples, None, followed, **CHANGING)
    run.halt(stop, run_id, followed, **CHANGING)
    results.remove(remove, None, notice, **CHANGING)
    results.discard(remove_all, None, notice, **CHANGING)


def _wire_reindexing(handlers: Handlers, banner: gr.HTML, header: gr.HTML, notice: gr.HTML) -> None:
    def shown(value: Json) -> tuple[Any, Any]:
        return (gr.skip(), value) if value.get("state") == "error" else (value, gr.skip())

    def begin() -> tuple[Any, Any]:
        return shown(handlers.reindex())

    def halt() -> tuple[Any, Any]:
        return shown(handlers.stop_reindexing())

    banner.begin(begin, None, [header, notice], **CHANGING)
    banner.halt(halt, None, [header, notice], **CHANGING)


def _wire_watching(
    handlers: Handlers,
    page: gr.Blocks,
    header: gr.HTML,
    params: Parameters,
    results: gr.HTML,
    status_timer: gr.Timer,
    run: gr.HTML,
    run_id: gr.State,
    run_timer: gr.Timer,
) -> None:
    def follow(run_id: str | None) -> tuple[Any, ...]:
        return _followed(handlers.follow(run_id))

    def watch(clusters: int) -> tuple[Json, Any, int]:
        status = handlers.status()
        now = status["index"]["nlist"] if status["index"] else clusters
        # Only where it changed, and without a value: the visitor's stays.
        return status, gr.skip() if now == clusters else gr.update(maximum=now), now

    followed = [run, run_id, run_timer]
    _, _, nprobe, _ = params
    clusters = gr.State(FEWEST_CLUSTERS)
    page.load(follow, run_id, followed, **WATCHING)
    run_timer.tick(follow, run_id, followed, **WATCHING)
    # At once after each search, too: the load / search / release cycle is there to be watched.
    gr.on(
        [page.load, status_timer.tick, results.change],
        watch,
        clusters,
        [header, nprobe, clusters],
        **WATCHING,
    )


def _followed(state: tuple[Json, str | None]) -> tuple[Json, str | None, gr.Timer]:
    shown, run_id = state
    return shown, run_id, gr.Timer(active=shown["state"] in ("waiting", "running"))
