"""Answers the opening of the page: one call for all that is known at once, and one for what it shows."""

from typing import Any
from urllib.parse import urlencode

import gradio as gr

from library import validation
from ui.controls import Controls
from ui.handlers.demo import DemoHandlers
from ui.handlers.search import SearchHandlers, SearchSettings
from ui.handlers.uploads import UploadHandlers, followed
from ui.lanes import SEARCHING, WATCHING
from ui.views import Json, View
from ui.visitor_cookie import visitor_of


def wire_opening(
    searches: SearchHandlers, uploads: UploadHandlers, demo: DemoHandlers, blocks: gr.Blocks, page: Controls
) -> None:
    """Connects the opening of the page with the handlers that fill it."""

    def greet(request: gr.Request) -> list[Any]:
        address, run = _address(request), uploads.follow(None, visitor_of(request))
        return [_box(searches, address), *_settings(searches, page, address), *followed(run), demo.view()]

    def show(request: gr.Request, *settings: Any) -> tuple[Json, View]:
        return searches.visit(_address(request), SearchSettings(*settings))

    greeted = [page.box, *page.params, page.run, page.run_id, page.run_timer, page.demo]
    blocks.load(greet, None, greeted, **WATCHING)
    blocks.load(show, [*page.params], [page.results, page.view], **SEARCHING)


def _box(searches: SearchHandlers, address: Json) -> Any:
    # Writing to the box without need would wipe what a fast visitor has typed already.
    text = searches.box_text(address)
    return {"text": text, "files": []} if text else gr.skip()


def _settings(searches: SearchHandlers, page: Controls, address: Json) -> list[Any]:
    limit, accuracy, nprobe, min_score = searches.tuned(address, SearchSettings(None, None, None, None))
    of_limit, of_nprobe, of_score = (
        _within(control, value)
        for control, value in ((page.params[0], limit), (page.params[2], nprobe), (page.params[3], min_score))
    )
    return [of_limit, accuracy or gr.skip(), of_nprobe, of_score]


def _within(control: gr.Slider, value: Any) -> Any:
    """Returns what sets a slider to a value of an address, as far as it reaches."""
    return (
        gr.update(value=max(control.minimum, min(value, control.maximum))) if validation.is_number(value) else gr.skip()
    )


def _address(request: gr.Request) -> Json:
    params = request.query_params
    return {"address": urlencode(list(getattr(params, "multi_items", params.items)()))}
