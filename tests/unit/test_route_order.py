"""Holds that calls of programs are found first, and that every address is answered by the same route as before."""

import re

import gradio as gr
import pytest
from gradio.routes import App
from starlette.routing import Match

from ui.route_order import CALLS, put_calls_first


@pytest.fixture
def app():
    with gr.Blocks() as page:
        pass
    return App.create_app(page)


def routes_of(app):
    """Returns all routes in the order in which they are looked at."""
    found = []
    for each in app.router.routes:
        found += each.original_router.routes if hasattr(each, "original_router") else [each]
    return found


def answering(app):
    """Returns the function that answers an address of each route, by its method and path."""
    routes, answers = routes_of(app), {}
    for path, method in {(each.path, method) for each in routes for method in each.methods}:
        scope = {"type": "http", "method": method, "root_path": "", "path": re.sub(r"\{[^}]*\}", "x", path)}
        answers[method, path] = next(each.endpoint for each in routes if each.matches(scope)[0] == Match.FULL)
    return answers


def test_the_calls_of_programs_come_before_all_else_in_the_api(app):
    put_calls_first(app)
    api = next(each.original_router for each in app.router.routes if hasattr(each, "original_router"))
    paths = [route.path for route in api.routes]
    calls = [path for path in paths if path.startswith(CALLS)]
    assert len(calls) == 8 and paths[:8] == calls


def test_every_address_is_answered_as_before(app):
    before = answering(app)
    put_calls_first(app)
    assert answering(app) == before and len(before) > 60
