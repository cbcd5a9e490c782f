"""Holds what Gradio no longer does for each call, and notices where a new version does it in another way."""

import asyncio
import sys
import threading
from importlib.machinery import PathFinder
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio import queueing
from gradio.data_classes import PredictBodyInternal
from gradio.route_utils import call_process_api
from gradio.routes import App

from library.image_library import ImageLibrary
from library.ingest.runs import Worker
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from ui import spared_work
from ui.page import build_page


@pytest.fixture
def page():
    library = ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase())
    return build_page(library, Worker(library), "all")


@pytest.fixture
def on_threads(monkeypatch):
    """Collects what is to be done on another thread."""
    begun = []

    async def noted(work, *given):
        begun.append(work)
        return work(*given)

    monkeypatch.setattr(spared_work, "run_sync", noted)
    return begun


def test_a_page_has_no_routes_before_it_is_launched(page):
    with gr.Blocks() as theirs:
        pass
    assert isinstance(theirs.app, App)
    assert page.app is None


def test_the_queue_sums_up_nothing_after_a_call(page, on_threads):
    page._queue.set_server_app(App.create_app(page))
    fn = next(iter(page.fns.values()))
    page._queue.create_event_queue_for_fn(fn)
    event = SimpleNamespace(_id="a", session_hash="a", alive=False, enqueue_time=0.0, request=SimpleNamespace(scope={}))
    event.concurrency_id = fn.concurrency_id
    asyncio.run(page._queue.process_events([event], False, 0.0, fn))
    assert on_threads == []


def test_all_else_is_done_on_a_thread_as_before(page):
    assert asyncio.run(queueing.run_sync(threading.get_ident)) != threading.get_ident()


def test_no_call_looks_for_matplotlib_on_the_disk(page, monkeypatch):
    looked_for = []

    class Noting(PathFinder):
        @classmethod
        def find_spec(cls, name, path=None, target=None):
            looked_for.append(name)

    app = App.create_app(page)
    fn = next(fn for fn in page.fns.values() if fn.api_name == "status")
    body = PredictBodyInternal(fn_index=fn._id, data=[], session_hash="a", event_id="a", request=None)
    monkeypatch.setattr(sys, "meta_path", [Noting, *sys.meta_path])
    answer = asyncio.run(call_process_api(app, body, None, fn, "http://localhost"))
    assert answer["data"][0]["pictures"] == 0
    assert "matplotlib" not in looked_for
