"""Names the controls of the page: the layout makes them, and the handlers are wired to them."""

from dataclasses import dataclass

import gradio as gr

Parameters = tuple[gr.Slider, gr.Radio, gr.Slider, gr.Slider]  # limit, accuracy, nprobe, minimum score


@dataclass(frozen=True)
class Reports:
    """Holds the components of the library's menu, each of which opens a dialog."""

    models: gr.HTML
    tuning: gr.HTML
    evaluation: gr.HTML
    duplicates: gr.HTML
    doctor: gr.HTML
    trash: gr.HTML


@dataclass(frozen=True)
class Controls:
    """Holds the components of the page, and what a session remembers beside them."""

    view: gr.State
    run_id: gr.State
    header: gr.HTML
    banner: gr.HTML
    box: gr.MultimodalTextbox
    params: Parameters
    models: gr.HTML  # to search with
    filters: gr.HTML
    reports: Reports
    demo: gr.HTML
    uploads: gr.HTML
    past_runs: gr.HTML
    run: gr.HTML
    results: gr.HTML
    notice: gr.HTML
    status_timer: gr.Timer
    run_timer: gr.Timer
